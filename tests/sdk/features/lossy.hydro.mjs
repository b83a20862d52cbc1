import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf" });
  const slow = deployment.Hydroflow({ src: "src/slow.hf" });
  stream.ports.out.connect(slow.ports.numbers, { delivery: "lossy" });
  await deployment.deploy();
  let leftOut = 0;
  while (leftOut === 0) {
    const [metrics] = await stream.metrics();
    leftOut = metrics.links[0].left_out;
  }
  console.log("nobody waits for the slow one");
}
