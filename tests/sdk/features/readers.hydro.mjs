import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  await deployment.deploy();
  const [one, two] = [server.ports.outbound.receive(), server.ports.outbound.receive()];
  for (const word of ["a", "b"]) {
    await server.ports.inbound.send(word);
    console.log(await one.item(), await two.item());
  }
  await one.close();
  for await (const answer of one) console.log("not reached", answer);
  await server.ports.inbound.send("c");
  console.log(await two.item());
  await server.stop();
  for await (const answer of two) console.log("not reached", answer);
  console.log("both have ended");
}
