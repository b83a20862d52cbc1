//! Both connections to an engine: what it refuses, what it streams, and what is told when it is gone.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { Worker } from "node:worker_threads";

import { call } from "../../../cargo-hydro/sdk/javascript/lib/blocking.js";
import { callAsync } from "../../../cargo-hydro/sdk/javascript/lib/engine.js";
import * as errors from "../../../cargo-hydro/sdk/javascript/lib/error.js";
import { Stream } from "../../../cargo-hydro/sdk/javascript/lib/stream.js";

const { HydroError } = errors;
const folder = mkdtempSync(path.join(tmpdir(), "hydro-"));
after(() => rmSync(folder, { recursive: true }));

async function listen() {
  const socket = path.join(folder, "engine");
  rmSync(socket, { force: true });
  const engine = new Worker(new URL("fake_engine.mjs", import.meta.url), { workerData: { path: socket } });
  await once(engine, "message");
  process.env.HYDRO_ENGINE_SOCKET = socket;
  return engine;
}

test("without an engine the next step is said", async () => {
  delete process.env.HYDRO_ENGINE_SOCKET;
  process.env.PATH = "/nowhere";
  const hint = "put the folder of `hydro` on PATH, or start the script with `hydro run SCRIPT`";
  const expected = { name: "HydroError", message: "cannot find `hydro`, the engine of scripts, on PATH", hint };
  assert.throws(() => call("echo", {}), expected);
  await assert.rejects(callAsync("echo", {}), expected);
  process.env.HYDRO_ENGINE_SOCKET = path.join(folder, "nowhere");
  const refused = { name: "EngineGone", message: "the engine does not answer: ENOENT" };
  assert.throws(() => call("echo", {}), refused);
  await assert.rejects(callAsync("echo", {}), refused);
});

test("both ways lead to the engine, and what it refuses stands where it was asked", async () => {
  await listen();
  const long = { text: "größer 🦀".repeat(100_000) };
  assert.deepEqual(call("echo", long), long);
  assert.deepEqual(await callAsync("echo", long), long);
  const numbers = Array.from({ length: 1000 }, (_, number) => number);
  assert.deepEqual(await Promise.all(numbers.map((number) => callAsync("echo", { number }))), numbers.map((number) => ({ number })));
  const text = "HydroError: no\n  at a.hf:3\n  because\n  it is so\n  hint: ask nicely\n    at ";
  for (const ask of [() => call("refuse", {}), () => callAsync("refuse", {})]) {
    const error = await (async () => ask())().catch((error) => error);
    assert(error instanceof HydroError);
    assert(error.stack.startsWith(text), error.stack);
    assert(error.stack.includes("engine.test.mjs:") && !error.stack.includes("sdk/javascript"), error.stack);
  }
});

test("each kind of refusal has a class of its own", () => {
  const kinds = { "unknown-port": "UnknownPort", "not-running": "NotRunning", "item-refused": "ItemRefused", "timed-out": "TimedOut", version: "VersionMismatch" };
  for (const [kind, name] of Object.entries({ ...kinds, failed: "HydroError", "of a newer engine": "HydroError" })) {
    const error = errors.fromReply({ kind, message: "no" });
    assert(error instanceof errors[name] && error instanceof HydroError && error.name === name);
    assert.equal(String(error), `${name}: no`);
  }
});

test("a stream goes on where a loop left it, and readers side by side take turns", async () => {
  const stream = new Stream("count", { to: 6 }, Number);
  for await (const number of stream) if (number === 1) break;
  assert.deepEqual(await Promise.all([stream.item(), stream.item()]), [2, 3]);
  const rest = [];
  for await (const number of stream) rest.push(number);
  assert.deepEqual(rest, [4, 5]);
  await assert.rejects(stream.item(), { name: "HydroError", message: "nothing more comes" });
  const many = new Stream("count", { to: 5000 }, Number);
  let sum = 0;
  for await (const number of many) sum += number;
  assert.equal(sum, 12_497_500);
});

test("an engine that is gone is told to all who wait, and to all who ask later", async () => {
  const gone = { name: "EngineGone", message: "the engine is gone, and all services with it" };
  const waiting = [callAsync("never", {}), new Stream("never", {}, String).next(), new Stream("never", {}, String).item()];
  const told = Promise.all(waiting.map((wait) => assert.rejects(wait, gone)));
  assert.throws(() => call("leave", {}), gone);
  await told;
  assert.throws(() => call("echo", {}), gone);
  await assert.rejects(callAsync("echo", {}), { name: "EngineGone" });
});
