import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf" });
  const check = deployment.Hydroflow({ src: "src/check.hf" });
  stream.ports.out.connect(check.ports.numbers, { delivery: "lossy" });
  await deployment.deploy();
  const lines = check.stdout();
  console.log((await lines.item()).split(" ")[0]);
  await deployment.partition(stream, check);
  let [metrics] = await stream.metrics();
  while (metrics.links[0].connected) [metrics] = await stream.metrics();
  console.log("cut");
  // What was under way is lost, and a lossy link goes on without it.
  const sent = metrics.links[0].messages;
  await deployment.heal();
  for await (const line of lines) {
    if (line.startsWith("at") && Number(line.split(" ").at(-1)) > sent) break;
  }
  console.log("healed");
}
