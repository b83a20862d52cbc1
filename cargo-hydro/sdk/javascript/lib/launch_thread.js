//! The thread behind `launch.js`: holds the engine's process, passes on where it is, and lets it end.

import { spawn } from "node:child_process";
import { workerData } from "node:worker_threads";

const { program, words, bell, port } = workerData;

function ring() {
  Atomics.store(bell, 0, 1);
  Atomics.notify(bell, 0);
}

// In a session of its own: Ctrl-C is for the script, which may still need the engine to clean up.
const engine = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"], detached: true });
let told = "";
let isKnown = false;

function tell(line) {
  if (isKnown) return;
  isKnown = true;
  port.postMessage(line);
  ring();
}

engine.stdout.setEncoding("utf8");
engine.stdout.on("data", (text) => {
  told += text;
  const [line, rest] = told.split("\n");
  if (rest !== undefined) tell(line);
});
engine.stdin.on("error", () => {});
engine.on("error", () => tell(""));
engine.on("exit", () => {
  tell("");
  ring();
});
// When the process ends in whatever way, the pipe closes, and the engine with it.
port.on("message", () => (engine.exitCode === null && engine.signalCode === null ? engine.stdin.end() : ring()));
