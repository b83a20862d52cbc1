from hydro import Deployment


async def main() -> None:
    deployment = Deployment()
    replicas = deployment.Hydroflow(src="src/kvs_server.hf", name="replica", count=3, params={"gossip_ms": 100})
    client = deployment.Hydroflow(src="src/kvs_client.hf", name="client", params={"period_ms": 100})
    client.ports.requests.connect(replicas.ports.requests, policy="round_robin")
    replicas.ports.responses.connect(client.ports.responses)
    replicas.ports.gossip_out.connect(replicas.ports.gossip_in)
    await deployment.deploy()

    answers = replicas[2].ports.responses.receive()
    await replicas[0].ports.requests.send({"Put": {"key": "name", "value": "hydro"}})
    value = None
    while value is None:
        await replicas[2].ports.requests.send({"Get": {"key": "name"}})
        async for answer in answers:
            value = answer["Value"]["value"]
            break
    print(f"written to replica 0, read from replica 2: {value}")

    await deployment.stop()
