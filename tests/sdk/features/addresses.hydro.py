from hydro import Deployment


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src="src/ticker.hf", count=2)
    print(ticker[0].address)
    await deployment.deploy()
    addresses = [member.address for member in ticker]
    print(*(str(address).split(":")[0] for address in addresses))
    print(len(set(addresses)), "addresses")
    await ticker[0].stop()
    print(ticker[0].address)
    print(ticker[1].address == addresses[1])
