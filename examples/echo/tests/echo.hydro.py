"""`cargo hydro test` runs each of these against a deployment of its own."""


async def test_the_client_hears_its_messages_in_order(deployment):
    lines = deployment.services["client"].stdout()
    heard = [await anext(lines) for _ in range(5)]
    assert heard == [f"echoed hello {i}" for i in range(5)], heard


async def test_a_script_is_a_client_too(deployment):
    server = deployment.services["server"]
    message = {"payload": "from a script", "ts": 0}
    answers = server.ports.outbound.receive()
    await server.ports.inbound.send(message)
    answer = await anext(answers)
    assert answer["payload"] == "from a script", answer
    assert answer["ts"] > 0, "the server puts the time of its answer"
