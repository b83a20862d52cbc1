from hydro import Deployment, HydroError, UnknownPort


def refused(attempt):
    try:
        attempt()
    except HydroError as error:
        print(f"{'UnknownPort' if isinstance(error, UnknownPort) else 'HydroError'}: {error.message}")
        return
    raise AssertionError("it was taken")


async def main():
    deployment = Deployment()
    other = Deployment("other")
    numbers = deployment.Hydroflow(src="src/numbers.hf", name="numbers")
    counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
    sleep = deployment.Command("sleep", "60", name="sleep")
    far = other.Hydroflow(src="src/counter.hf", name="far")
    refused(lambda: deployment.Hydroflow(src="src/nubmers.hf"))
    refused(lambda: deployment.Hydroflow(src="src/numbers.hf", params={"cuont": 3}))
    refused(lambda: deployment.Hydroflow(src="src/numbers.hf", name="numbers"))
    refused(lambda: deployment.Hydroflow(src="src/numbers.hf", name="a.b"))
    refused(lambda: deployment.Hydroflow(src="src/numbers.hf", count=0))
    refused(lambda: deployment.Command())
    refused(lambda: numbers.ports.outt)
    refused(lambda: sleep.ports.out)
    refused(lambda: counter.ports.numbers.connect(numbers.ports.out))
    refused(lambda: numbers.ports.out.connect(far.ports.numbers))
    refused(lambda: numbers.ports.out.connect(counter.ports.numbers, policy="half"))  # type: ignore[arg-type]
    refused(lambda: numbers.ports.out.connect(counter.ports.numbers, delivery="maybe"))  # type: ignore[arg-type]
    refused(lambda: numbers.ports.out.connect(counter.ports.numbers, transport="pigeon"))  # type: ignore[arg-type]
    refused(lambda: numbers.ports.out.open())
    refused(lambda: Deployment(tls="sometimes"))
    refused(lambda: Deployment.from_toml("nowhere.toml"))
