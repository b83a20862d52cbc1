import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  await deployment.deploy();
  const answers = server.ports.outbound.receive();
  // Whoever sends much must read meanwhile: what nobody reads makes the senders wait.
  const sending = Promise.all(Array.from({ length: 5000 }, (_, number) => server.ports.inbound.send(`word ${number}`)));
  const got = [];
  while (got.length < 5000) got.push(await answers.item());
  await sending;
  console.log(got.every((word, number) => word === `WORD ${number}`) ? "True" : "False", got.at(-1));
}
