from hydro import Deployment, HydroError

DOUBLE = "import json, sys\nfor line in sys.stdin: print(json.dumps(json.loads(line) * 2))"


async def main():
    deployment = Deployment()
    numbers = deployment.Hydroflow(src="src/numbers.hf", params={"count": 3})
    double = deployment.Command("python3", "-u", "-c", DOUBLE, name="double")
    prints = deployment.Hydroflow(src="src/prints.hf")
    numbers.ports.out.connect(double.ports.stdin)
    double.ports.stdout.connect(prints.ports.numbers)
    print(double.ports.stdin.direction)
    await deployment.deploy()
    lines = prints.stdout()
    print(await lines, await lines, await lines)
    try:
        await double.ports.stdin.send(1)
    except HydroError as error:
        print(error.message)
