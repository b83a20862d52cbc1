from hydro import Deployment, HydroError


async def main():
    deployment = Deployment()
    deployment.Hydroflow(src="src/exits.hf", name="broken", params={"code": 5})
    try:
        await deployment.deploy()
    except HydroError as error:
        print(error.message)
        print("there is no disk" in "\n".join(error.causes))
        print(error.origin is not None)
