import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf" });
  const slow = deployment.Hydroflow({ src: "src/slow.hf" });
  stream.ports.out.connect(slow.ports.numbers, { delivery: "lossy" });
  await deployment.deploy();
  let [metrics] = await stream.metrics();
  while (metrics.links[0].left_out === 0) [metrics] = await stream.metrics();
  console.log("nobody waits for the slow one");
  await deployment.partition(stream, slow);
  while (metrics.links[0].connected) [metrics] = await stream.metrics();
  await deployment.heal();
  while (!metrics.links[0].connected) [metrics] = await stream.metrics();
  console.log("and it goes on after a break");
}
