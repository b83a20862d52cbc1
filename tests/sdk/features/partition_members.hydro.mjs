import { Deployment } from "hydro";

async function connected(stream) {
  const [metrics] = await stream.metrics();
  return Object.fromEntries(metrics.links.map((link) => [link.peer, link.connected]));
}

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf", params: { rate: 1 } });
  const check = deployment.Hydroflow({ src: "src/check.hf", count: 2 });
  stream.ports.out.connect(check.ports.numbers);
  await deployment.deploy();
  for (const member of check) await member.stdout().item();
  await deployment.partition(stream, check[1]);
  let links = await connected(stream);
  while (links["check.1"]) links = await connected(stream);
  console.log(links["check.0"] ? "check.0" : "nobody", "is connected");
  await deployment.heal();
  while (!links["check.1"]) links = await connected(stream);
  console.log("both are connected");
}
