// Each test has a room of its own: the deployment of Hydro.toml, already running.

import assert from "node:assert/strict";

/** @import { Deployment, Service } from "hydro" */

/**
 * Returns all that the service has printed up to a line that begins so. Who comes in later than another misses lines, so numbers mean little.
 *
 * @param {Service} service
 * @param {string} beginning
 */
async function until(service, beginning) {
  const heard = [];
  for await (const text of service.stdout()) {
    heard.push(text);
    if (text.startsWith(beginning)) return heard;
  }
  throw new Error(`${service.name} never printed ${beginning}, but ${heard}`);
}

/**
 * @param {Deployment} deployment
 * @param {string} name
 * @param {{ period_ms: number, lines?: number }} params
 */
function join(deployment, name, params) {
  const client = deployment.Hydroflow({ src: "src/chat_client.hf", name, params: { name, ...params } });
  client.ports.outbound.connect(deployment.services.server.ports.inbound);
  deployment.services.server.ports.outbound.connect(client.ports.inbound);
  return client;
}

/** @param {Deployment} deployment */
export async function test_everybody_hears_everybody(deployment) {
  await until(deployment.services.alice, "bob: line");
  await until(deployment.services.bob, "alice: line");
}

/** @param {Deployment} deployment */
export async function test_a_latecomer_hears_only_what_is_said_from_then_on(deployment) {
  await until(deployment.services.alice, "bob: line");
  const carol = join(deployment, "carol", { period_ms: 50, lines: 3 });
  await deployment.deploy();
  const heard = await until(carol, "carol: line 3");
  assert.equal(heard[0], "* carol came in");
  assert(!heard.includes("bob: line 1"), `${heard}`);
  await until(deployment.services.bob, "* carol went");
}

/** @param {Deployment} deployment */
export async function test_the_room_goes_on_when_a_client_is_killed(deployment) {
  await until(deployment.services.alice, "bob: line");
  await deployment.services.bob.kill();
  join(deployment, "dave", { period_ms: 50 });
  await deployment.deploy();
  await until(deployment.services.alice, "dave: line 5");
}
