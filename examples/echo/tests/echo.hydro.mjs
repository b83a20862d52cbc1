// `cargo hydro test` runs each of these against a deployment of its own: the one of Hydro.toml, already running.

import assert from "node:assert/strict";

/** @import { Deployment } from "hydro" */

/** @param {Deployment} deployment */
export async function test_the_client_hears_its_messages_in_order(deployment) {
  const heard = [];
  for await (const line of deployment.services.client.stdout()) {
    heard.push(line);
    if (heard.length === 5) break;
  }
  assert.deepEqual(heard, [0, 1, 2, 3, 4].map((i) => `echoed hello ${i}`));
}

/** @param {Deployment} deployment */
export async function test_a_script_is_a_client_too(deployment) {
  const { server } = deployment.services;
  const answers = server.ports.outbound.receive();
  await server.ports.inbound.send({ payload: "from a script", ts: 0 });
  const answer = await answers.item();
  assert.equal(answer.payload, "from a script");
  assert(answer.ts > 0n, "the server puts the time of its answer, in nanoseconds: more than a number can hold");
}
