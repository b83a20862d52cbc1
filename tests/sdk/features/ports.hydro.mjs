import { inspect } from "node:util";

import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server" });
  for (const port of server.ports) console.log(port.name, port.direction, inspect(port));
  console.log(server.ports["inbound"].name, server.ports.outbound.direction);
  await deployment.deploy();
  await server.ports["inbound"].send("by name");
  console.log(await server.ports["outbound"].receive().item());
}
