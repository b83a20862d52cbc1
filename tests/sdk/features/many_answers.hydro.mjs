import assert from "node:assert";

import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf" });
  await deployment.deploy();
  const answers = server.ports.outbound.receive();
  for (let number = 0; number < 3000; number++) {
    await server.ports.inbound.send(`n${number}`);
    assert.strictEqual(await answers.item(), `N${number}`);
  }
  console.log("3000 answers");
}
