import { Deployment } from "hydro";

export async function main() {
  const [first, second] = [new Deployment("twin"), new Deployment("twin")];
  console.log(first.name, second.name);
  for (const deployment of [first, second]) {
    deployment.Command("sleep", "60", { name: "bed" });
    await deployment.deploy();
  }
  await first.stop();
  console.log(`[${second.status().map((member) => `'${member.state}'`)}]`);
  first.Command("true", { name: "bed" }); // fails here
}
