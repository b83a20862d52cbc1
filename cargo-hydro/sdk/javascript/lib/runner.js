//! The program around a user's script: loads it, runs `main()` or one test, and shows failures without our own frames.
//!
//! Four words: `run SCRIPT [ARGS]`, `test SCRIPT FUNCTION`, `hooks SCRIPT`, and `list SCRIPT…`, which reads tests without importing anything.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

import { ofWorkspace } from "./deployment.js";
import { HydroError, Interrupted } from "./error.js";
import { serve } from "./hooks.js";
import { readIntent } from "./intent.js";
import { INTERRUPTED, interruption, listen } from "./interruption.js";
import { isTypeScript, listing } from "./listing.js";
import { report } from "./report.js";
import { makeFindable } from "./resolve.js";

/** What node itself exits with when a module waits for what never comes. */
const NEVER_SETTLED = 13;

/** Does what the arguments say. */
export async function main([word, ...words]) {
  if (word === "list") {
    console.log(JSON.stringify(words.map(listing)));
    return;
  }
  const script = path.resolve(words[0]);
  process.argv = [process.execPath, script, ...(word === "run" ? words.slice(1) : [])];
  const guard = new Guard(script, word === "test");
  try {
    await { run, test, hooks }[word](words, script, guard);
  } catch (error) {
    guard.fail(error);
  }
}

async function run([name], script, guard) {
  const loaded = await guard.until(load(name, script));
  const work = loaded.main ?? loaded.default;
  if (typeof work !== "function") {
    // All of it has happened, or still happens, at the top level.
    if (forgotten(script)) throw new HydroError(`\`${name}\` does not export its function \`main\``, { hint: "write `export async function main()`" });
    return;
  }
  await guard.until(work());
  guard.end();
}

async function test([file, name], script, guard) {
  const loaded = await guard.until(load(file, script));
  const work = loaded[name];
  if (typeof work !== "function") throw new HydroError(`\`${file}\` has no function \`${name}\` once it is loaded`);
  if (work.length > 1) throw new HydroError(`\`${name}\` wants ${work.length} things`, { hint: "a test takes a deployment or nothing" });
  await guard.until(work.length === 0 ? work() : withDeployment(work));
  guard.end();
}

async function hooks([name], script, guard) {
  await guard.until(load(name, script).then(serve));
  guard.end();
}

/** Runs a test that asks for a deployment: the workspace's, running already. */
async function withDeployment(work) {
  const deployment = ofWorkspace();
  if (Object.keys(deployment.services).length > 0) await deployment.deploy();
  await work(deployment);
}

async function load(name, script) {
  const url = pathToFileURL(script).href;
  let text;
  try {
    text = readFileSync(script, "utf8");
  } catch (error) {
    throw new HydroError(`cannot read \`${name}\`: ${error.code}`);
  }
  readIntent(text);
  makeFindable(url);
  if (isTypeScript(script) && !process.features.typescript) await withTsx(name, script);
  return import(url);
}

/** Lets `tsx` take the types out, where node does not. */
async function withTsx(name, script) {
  let tsx;
  try {
    tsx = createRequire(script).resolve("tsx/esm/api");
  } catch {
    throw new HydroError(`node ${process.versions.node} does not run TypeScript: \`${name}\``, {
      hint: "use Node.js 22.18 or newer, or `npm install --save-dev tsx`, or write the script as `.mjs`",
    });
  }
  (await import(pathToFileURL(tsx).href)).register();
}

/** Whether a script that exports no `main` has one all the same and does not call it. */
function forgotten(script) {
  const text = readFileSync(script, "utf8");
  return /^\s*(?:async\s+)?function\s+main\s*\(/m.test(text) && (text.match(/\bmain\s*\(/g) ?? []).length === 1;
}

/** Watches over the script's process: whatever ends it is told, and how it ends is the exit code. */
class Guard {
  #script;
  #showsPlace;
  #waits = false;

  constructor(script, showsPlace) {
    this.#script = script;
    // A test is interrupted where it took too long, and its writer wants to know where it stood.
    this.#showsPlace = showsPlace;
    listen();
    process.on("uncaughtException", (error) => this.fail(error));
    process.on("unhandledRejection", (error) => this.fail(error));
    process.on("exit", () => {
      if (interruption.happened) process.exitCode = INTERRUPTED;
    });
    process.on("beforeExit", () => {
      if (!this.#waits) return;
      console.error("error: the script waits for what never comes: nothing is left that could end the wait");
      process.exit(NEVER_SETTLED);
    });
    for (const stream of [process.stdout, process.stderr]) {
      // Whoever read it has left; there is nobody to tell more.
      stream.on("error", () => process.exit(1));
    }
  }

  /** Waits for the script's work. */
  async until(work) {
    this.#waits = true;
    const result = await work;
    this.#waits = false;
    return result;
  }

  /** Ends the script, whatever timers it has left. */
  end() {
    process.exit();
  }

  /** Tells what ended the script, and ends it. */
  fail(error) {
    if (interruption.happened && error instanceof Interrupted && !this.#showsPlace) process.exit(INTERRUPTED);
    report(error, this.#script);
    process.exit(1);
  }
}
