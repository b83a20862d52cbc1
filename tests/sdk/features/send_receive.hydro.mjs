import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  await deployment.deploy();
  const answers = server.ports.outbound.receive();
  for (const word of ["hello", "größer", "two words"]) {
    await server.ports.inbound.send(word);
    for await (const answer of answers) {
      console.log(answer);
      break;
    }
  }
}
