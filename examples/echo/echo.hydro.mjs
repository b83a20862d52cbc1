import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const machine = deployment.Localhost();

  const server = deployment.Hydroflow({ src: "src/echo_server.hf", on: machine });
  const client = deployment.Hydroflow({ src: "src/echo_client.hf", on: machine, params: { period_ms: 100 } });

  client.ports.outbound.connect(server.ports.inbound);
  server.ports.outbound.connect(client.ports.inbound);

  await deployment.deploy();

  let seen = 0;
  for await (const line of client.stdout()) {
    console.log(line);
    seen += 1;
    if (seen === 10) break;
  }

  await client.stop();
  await server.stop();
}
