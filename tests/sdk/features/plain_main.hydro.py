from hydro import Deployment


def main():
    deployment = Deployment("described", local_links="unix")
    deployment.Hydroflow(src="src/ticker.hf")
    deployment.Hydroflow(src="src/ticker.hf")
    deployment.Command("sleep", "1")
    print(deployment, *deployment.services)
