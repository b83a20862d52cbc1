import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  const [wayIn, wayOut] = ["in" + "bound", "out" + "bound"];
  // The text does not show which port this is.
  server.ports[wayIn].open();
  await deployment.deploy();
  const answers = server.ports[wayOut].receive();
  await server.ports[wayIn].send("found");
  console.log(await answers.item());
}
