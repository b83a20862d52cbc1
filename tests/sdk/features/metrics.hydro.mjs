import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment("counted");
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", params: { count: 7 } });
  const counter = deployment.Hydroflow({ src: "src/counter.hf" });
  numbers.ports.out.connect(counter.ports.numbers);
  await deployment.deploy();
  for await (const line of counter.stdout()) {
    if (line.startsWith("7 numbers")) break;
  }
  const [metrics] = await counter.metrics();
  console.log(metrics.deployment, metrics.service, metrics.member);
  const [link] = metrics.links;
  console.log(link.direction, link.port, "from", link.peer, link.messages);
}
