//! The tests of a file, and the `.hf` files it names, found in its text without running a line of it.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { tokens } from "./tokens.js";

const TEST = /^test(?:$|_|[A-Z0-9])/;

/** Returns what the engine wants to know of a file. */
export function listing(file) {
  const nothing = { file, error: null, tests: [], ignored: [], sources: [] };
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    return { ...nothing, error: `cannot read \`${file}\`: ${error.code}\n` };
  }
  const error = isTypeScript(file) ? undefined : syntaxError(file, text);
  if (error) return { ...nothing, error };
  const words = tokens(text);
  const sources = words.filter(({ kind, text }) => kind === "string" && text.endsWith(".hf")).map(({ text }) => text);
  return { ...nothing, ...tests(words), sources: [...new Set(sources)].sort() };
}

/** Whether a file is TypeScript, by its name. */
export function isTypeScript(file) {
  return /\.m?ts$/.test(file);
}

/** Returns what node says of a text that is no module; none: it is one. */
export function syntaxError(file, text) {
  const checked = spawnSync(process.execPath, ["--input-type=module", "--check", "-"], { input: text, encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } });
  if (checked.status === 0 || !checked.stderr?.includes("SyntaxError")) return undefined;
  const lines = checked.stderr.slice(checked.stderr.indexOf("[stdin]:")).replace("[stdin]:", `${file}:`).split("\n");
  const end = lines.findIndex((line) => line.startsWith("SyntaxError"));
  return `${lines.slice(0, end + 1).join("\n")}\n`;
}

function tests(words) {
  const [tests, ignored] = [[], []];
  let depth = 0;
  words.forEach(({ text, kind }, at) => {
    if (kind === "sign" && "([{".includes(text)) depth += 1;
    if (kind === "sign" && ")]}".includes(text)) depth -= 1;
    const declared = depth === 0 && declaration(words, at);
    if (!declared || !TEST.test(declared.name)) return;
    const { name, line, isAsync, isExported } = declared;
    if (isAsync && isExported) tests.push({ name, line });
    else ignored.push({ name, line, why: isExported ? "it is not `async`" : "it is not exported" });
  });
  return { tests, ignored };
}

/** Reads `[export] [async] function NAME` and `[export] const NAME = [async]` whose name stands at `at`. */
function declaration(words, at) {
  const text = (offset) => words[at + offset]?.text;
  if (words[at].kind !== "name") return undefined;
  const { text: name, line } = words[at];
  if (text(-1) === "function") {
    const isAsync = text(-2) === "async";
    return { name, line, isAsync, isExported: text(isAsync ? -3 : -2) === "export" };
  }
  if (["const", "let", "var"].includes(text(-1)) && text(1) === "=" && (text(2) === "async" || text(2) === "function" || text(2) === "(")) {
    return { name, line, isAsync: text(2) === "async", isExported: text(-2) === "export" };
  }
  return undefined;
}
