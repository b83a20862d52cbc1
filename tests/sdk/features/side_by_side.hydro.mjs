import { Deployment } from "hydro";

async function heard(client, end) {
  for await (const line of client.stdout()) {
    if (line === end) return client.name;
  }
}

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  const clients = ["ann", "ben", "cleo"].map((name) => {
    const client = deployment.Hydroflow({ src: "src/client.hf", name, params: { name, count: 50 } });
    client.ports.outbound.connect(server.ports.inbound);
    server.ports.outbound.connect(client.ports.inbound);
    return client;
  });
  await deployment.deploy();
  console.log(...(await Promise.all(clients.map((client) => heard(client, `heard ${client.name.toUpperCase()} 49`)))));
}
