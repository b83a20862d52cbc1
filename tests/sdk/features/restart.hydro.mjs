import { Deployment } from "hydro";

const python = (value) => (value ? "True" : "False");

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server" });
  const client = deployment.Hydroflow({ src: "src/client.hf", name: "client", params: { name: "ann", count: 1 } });
  client.ports.outbound.connect(server.ports.inbound);
  server.ports.outbound.connect(client.ports.inbound);
  await deployment.deploy();
  await client.waitHealthy({ seconds: 60 });
  const [before, address] = [deployment.status()[0].pid, server.address];
  await server.restart();
  await server.waitHealthy({ seconds: 60 });
  console.log("another process", python(deployment.status()[0].pid !== before));
  console.log("the same address", python(server.address === address));
  await server.stop();
  console.log(states(deployment));
  await server.start();
  await server.waitHealthy();
  console.log(states(deployment));
}

function states(deployment) {
  return `[${deployment.status().map((member) => `'${member.state}'`).join(", ")}]`;
}
