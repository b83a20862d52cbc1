import { inspect } from "node:util";

import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server", count: 3 });
  await deployment.deploy();
  const answers = [...server].map((member) => member.ports.outbound.receive());
  for (const [number, member] of [...server].entries()) await member.ports.inbound.send(`to ${number}`);
  for (const answer of answers) console.log(await answer.item());
  console.log(inspect(server), inspect(server[2]), server.length);
}
