import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const one = deployment.Command("sh", "-c", "echo $GREETING; echo careful >&2; exec sleep 60", { env: { GREETING: "hello" }, name: "one" });
  const two = deployment.Command(["sh", "-c", "echo two; exec sleep 60"], { name: "two" });
  await deployment.deploy();
  console.log(await one.stdout().item());
  console.log(await one.stderr().item());
  console.log(await two.stdout().item());
  console.log([...one.ports].length, "ports,", one.address === null ? "no address" : "an address");
  await one.kill();
  console.log(await one.exitCode());
}
