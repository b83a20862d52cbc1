import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf", params: { rate: 1 }, colocate: true });
  const check = deployment.Hydroflow({ src: "src/check.hf", colocate: true });
  stream.ports.out.connect(check.ports.numbers);
  await deployment.deploy();
  console.log((await check.stdout().item()).split(" ")[0]);
  const [metrics] = await stream.metrics();
  console.log(metrics.links[0].peer, "by", metrics.links[0].endpoint.replace("dial:", "").split(":")[0]);
}
