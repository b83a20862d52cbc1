import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment("placed");
  const [here, there] = [deployment.Localhost(), deployment.Localhost()];
  const cloud = deployment.GCPMachine({ project: "p", zone: "europe-west1-b", type: "e2-micro" });
  console.log(here.name, there.name, cloud.name);
  const one = deployment.Hydroflow({ src: "src/ticker.hf", on: there, name: "one" });
  const two = deployment.Hydroflow({ src: "src/ticker.hf", on: cloud, name: "two" });
  await deployment.deploy();
  await there.terminate();
  console.log("one:", await one.exitCode());
  console.log("two:", (await two.metrics()).length, "run");
}
