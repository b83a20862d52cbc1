from typing import Dict, Literal, Optional

from hydro import Deployment


async def main():
    deployment = Deployment(local_links="tcp")
    stream = deployment.Hydroflow(src="src/stream.hf", params={"rate": 1})
    ways: "Dict[str, Optional[Literal['shm', 'unix']]]" = {"as_all": None, "shm": "shm", "unix": "unix"}
    for name, transport in ways.items():
        check = deployment.Hydroflow(src="src/check.hf", name=name)
        stream.ports.out.connect(check.ports.numbers, transport=transport)
    await deployment.deploy()
    for name in ways:
        await deployment.services[name].stdout()
    [metrics] = await stream.metrics()
    for link in sorted(metrics["links"], key=lambda link: str(link["peer"])):
        print(link["peer"], "by", str(link["endpoint"]).replace("dial:", "").split(":")[0])
