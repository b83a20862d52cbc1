import { inspect } from "node:util";

import { Deployment, GCPMachine, Localhost, Machine, SSHMachine } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const here = new Localhost(deployment);
  const cloud = new GCPMachine(deployment, { project: "p", zone: "z", type: "t" });
  console.log(inspect(here), inspect(deployment.Localhost()), inspect(cloud), cloud instanceof Machine ? "True" : "False");
  deployment.Command("true", { on: here });
  await deployment.deploy();
  console.log(deployment.status()[0].machine);
  console.log(inspect(new SSHMachine(deployment, "example.org", { user: "me", port: 2222, key: "id", knownHosts: "known", libc: "musl" })));
  try {
    deployment.SSHMachine("example.org", { libc: "new" });
  } catch (error) {
    console.log(error.message);
  }
}
