import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  await deployment.deploy();
  // The answer comes before anybody reads; it is kept for whoever reads first.
  await server.ports.inbound.send("question");
  await server.ports.inbound.send("another");
  const answers = server.ports.outbound.receive();
  console.log(await answers.item(), await answers.item());
}
