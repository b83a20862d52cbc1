import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment("secret", { tls: "always" });
  const numbers = deployment.Hydroflow({ src: "src/stream.hf", params: { rate: 1 } });
  const check = deployment.Hydroflow({ src: "src/check.hf" });
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  numbers.ports.out.connect(check.ports.numbers);
  await deployment.deploy();
  console.log((await check.stdout().item()).split(" ")[0]);
  const [metrics] = await numbers.metrics();
  console.log(metrics.links[0].endpoint.replace("dial:", "").split(":")[0]);
  // A script has no certificate and is let in all the same.
  await server.ports.inbound.send("psst");
  console.log(await server.ports.outbound.receive().item());
}
