//! Scripts that nobody started with `hydro run`: plain `node x.mjs`, and notebooks.
//!
//! An engine is started beside this process when it is first needed; it ends with this process, whatever ends it.

import { accessSync, constants, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";

import { HydroError } from "./error.js";
import { expectAnything, readIntent } from "./intent.js";

export const SOCKET = "HYDRO_ENGINE_SOCKET";
export const SESSION = "HYDRO_SESSION";
const HINT = "put the folder of `hydro` on PATH, or start the script with `hydro run SCRIPT`";
/** How long an engine may take to stop what runs, before it is left to do so behind us. */
const FAREWELL_MS = 15_000;

/** Starts an engine for this process, and tells where it is as `hydro run` would. */
export function start() {
  const program = engineProgram();
  const script = entry();
  if (script) readIntent(readFileSync(script, "utf8"));
  else expectAnything();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const { port1: port, port2: far } = new MessageChannel();
  const words = ["session", ...(script ? ["--script", script] : [])];
  const worker = new Worker(new URL("./launch_thread.js", import.meta.url), {
    workerData: { program, words, bell, port: far },
    transferList: [far],
    execArgv: [],
    argv: [],
  });
  worker.unref();
  port.unref();
  Atomics.wait(bell, 0, 0);
  const line = receiveMessageOnPort(port)?.message;
  if (!line) throw new HydroError("the engine could not be started; its own words are above", { hint: HINT });
  const { socket, session } = JSON.parse(line);
  process.env[SOCKET] = socket;
  process.env[SESSION] = session;
  // What the engine says of the end belongs before the shell's prompt.
  process.on("exit", () => {
    Atomics.store(bell, 0, 0);
    port.postMessage("end");
    Atomics.wait(bell, 0, 0, FAREWELL_MS);
  });
}

/** Returns the file that node was started with, if there is one. */
export function entry() {
  const script = process.argv[1];
  return script && statSync(script, { throwIfNoEntry: false })?.isFile() ? path.resolve(script) : undefined;
}

/** Returns where the engine's program is. */
export function engineProgram() {
  for (const name of ["hydro", "cargo-hydro"]) {
    for (const folder of (process.env.PATH ?? "").split(path.delimiter)) {
      const file = path.join(folder, name);
      if (isExecutable(file)) return file;
    }
  }
  throw new HydroError("cannot find `hydro`, the engine of scripts, on PATH", { hint: HINT });
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
