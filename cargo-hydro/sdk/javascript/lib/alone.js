//! A script that only exports `main`, started by plain `node`: nobody would call it, so the whole script is handed to `hydro run`, and both ways are one.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";

import { SOCKET, engineProgram, entry } from "./launch.js";
import { tokens } from "./tokens.js";

const script = !process.env[SOCKET] && isMainThread && process.execArgv.length === 0 ? entry() : undefined;

if (script && onlyExportsMain(tokens(readFileSync(script, "utf8")))) {
  const words = ["run", script, ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])];
  const run = spawn(engineProgram(), words, { stdio: "inherit", env: { ...process.env, HYDRO_NODE: process.execPath } });
  run.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
  // Ctrl-C reaches it from the terminal; what is sent to us alone is passed on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => run.kill("SIGTERM"));
  // The script's own lines are for the other process.
  await new Promise(() => {});
}

/** Whether a script exports a function `main`, or one by default, and never calls it. */
function onlyExportsMain(words) {
  const texts = words.map(({ text }) => text);
  const isExported = texts.some((text, at) => {
    if (text !== "export") return false;
    const rest = texts.slice(at + 1, at + 5).filter((word) => word !== "async" && word !== "default");
    return rest[0] === "function" && (rest[1] === "main" || texts[at + 1] === "default");
  });
  return isExported && words.filter(({ kind, text }) => kind === "name" && text === "main").length <= 1;
}
