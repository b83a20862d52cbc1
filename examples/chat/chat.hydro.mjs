import { Deployment } from "hydro";

/** @import { Service } from "hydro" */

/**
 * Adds a client to the room; it may be there from the start or come while the others talk.
 *
 * @param {Deployment} deployment
 * @param {Service} server
 * @param {string} name
 */
function join(deployment, server, name, lines = 0) {
  const client = deployment.Hydroflow({ src: "src/chat_client.hf", name, params: { name, period_ms: 100, lines } });
  client.ports.outbound.connect(server.ports.inbound);
  server.ports.outbound.connect(client.ports.inbound);
  return client;
}

/**
 * @param {Service} client
 * @param {string} beginning
 */
async function until(client, beginning) {
  for await (const heard of client.stdout()) {
    console.log(`${client.name} hears: ${heard}`);
    if (heard.startsWith(beginning)) return;
  }
}

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/chat_server.hf", name: "server" });
  const alice = join(deployment, server, "alice");
  join(deployment, server, "bob", 5);
  await deployment.deploy();
  await until(alice, "* bob went");

  const carol = join(deployment, server, "carol");
  await deployment.deploy();
  await until(alice, "carol: line 1");
  await until(carol, "alice: line");

  await deployment.stop();
}
