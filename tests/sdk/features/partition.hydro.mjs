import assert from "node:assert";

import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf", params: { rate: 1 } });
  const check = deployment.Hydroflow({ src: "src/check.hf" });
  stream.ports.out.connect(check.ports.numbers);
  await deployment.deploy();
  const lines = check.stdout();
  console.log((await lines.item()).split(" ")[0]);
  await deployment.partition(stream[0], check);
  let [metrics] = await stream.metrics();
  while (metrics.links[0].connected || metrics.links[0].queue_messages < 50) [metrics] = await stream.metrics();
  console.log("cut");
  const sent = metrics.links[0].messages;
  await deployment.heal();
  for await (const line of lines) {
    assert(!line.startsWith("wrong"), line);
    if (Number(line.split(" ").at(-1)) > sent) break;
  }
  console.log("healed, without a gap");
}
