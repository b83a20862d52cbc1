from hydro import Deployment


async def main():
    deployment = Deployment()
    count = deployment.Command("sh", "-c", "seq 1 5000; exec sleep 60")
    await deployment.deploy()
    total = 0
    async for line in count.stdout():
        total += int(line)
        if line == "5000":
            break
    print(total)
