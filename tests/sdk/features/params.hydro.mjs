import { Deployment, HydroError } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  const client = deployment.Hydroflow({ src: "src/client.hf", params: { name: "it's 1", count: 2 } });
  client.ports.outbound.connect(server.ports.inbound);
  server.ports.outbound.connect(client.ports.inbound);
  await deployment.deploy();
  const lines = client.stdout();
  console.log(await lines.item());
  console.log(await lines.item());
  const wrong = new Deployment("wrong");
  wrong.Hydroflow({ src: "src/numbers.hf", params: { count: "many" } });
  try {
    await wrong.deploy();
  } catch (error) {
    if (!(error instanceof HydroError)) throw error;
    console.log(error.causes[0].split("\n")[1].trim());
  }
}
