import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const [one, other] = [deployment.Localhost(), deployment.Localhost()];
  deployment.Command("sleep", "60", { name: "first", on: one });
  deployment.Command("sleep", "60", { name: "second", on: other });
  await deployment.deploy();
  await one.terminate();
  const told = deployment.status().map((member) => `('${member.name}', '${member.machine}', '${member.state}')`);
  console.log(`[${told.join(", ")}]`);
}
