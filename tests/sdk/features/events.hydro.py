from hydro import Deployment


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src="src/ticker.hf", name="ticker")
    deployment.Command("sh", "-c", "exit 3", name="broken")
    events = deployment.events()
    await deployment.deploy()
    await ticker.restart()
    await ticker.wait_healthy()
    await deployment.stop()
    heard = [event async for event in events]
    for service in ("ticker", "broken"):
        for event in heard:
            if event.service == service:
                how = (event.code, event.signal, event.expected) if event.kind == "exited" else ""
                print(service, event.kind, *how)
    print([event.release for event in heard if event.kind == "released"], heard[-1].kind)
