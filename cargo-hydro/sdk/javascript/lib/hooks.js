//! Serves the hooks of a `Hydro.toml`: waits for calls, runs the script's functions, and tells how they ended.

import { inDeployment } from "./deployment.js";
import { callAsync } from "./engine.js";
import { placeOf, userFrames } from "./frames.js";
import { Stream } from "./stream.js";

/** Runs hooks until the engine says nothing more. */
export async function serve(script) {
  for await (const call of new Stream("hooks.wait", {}, JSON.parse)) {
    const name = call.hook.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
    await callAsync("hooks.done", { number: call.number, error: await run(script[name] ?? script[call.hook], call) });
  }
}

async function run(work, call) {
  if (work === undefined) return null;
  try {
    await work(...argumentsOf(call));
    return null;
  } catch (error) {
    return told(error);
  }
}

function argumentsOf({ deployment: made, exit }) {
  const deployment = inDeployment(made);
  if (!exit) return [deployment];
  const [name, member] = exit.name.split(".");
  const service = deployment.services[name];
  const number = member === undefined ? undefined : Number(member);
  const event = { kind: "exited", ts: Date.now(), ...exit, service: name, member: number };
  return [deployment, number === undefined ? service : service?.[number], event];
}

function told(error) {
  const frames = userFrames(error?.stack);
  const { file = null, line = null } = placeOf(frames[0]) ?? {};
  return { message: String(error), file, line, traceback: frames.length > 1 ? frames.join("\n") : null };
}
