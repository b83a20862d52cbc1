import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf", count: 3, params: { period_ms: 5 } });
  await deployment.deploy();
  console.log(ticker.length, "members");
  for (const member of ticker) console.log(member.name, await member.stdout().item());
  await ticker[1].kill();
  console.log(await ticker[1].exitCode());
  console.log((await ticker.metrics()).length, "run");
}
