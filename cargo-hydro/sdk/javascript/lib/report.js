//! Tells what ended a script, with the user's own lines alone.

import { readFileSync } from "node:fs";

import { headOf, placeOf, shown, userFrames } from "./frames.js";
import { syntaxError } from "./listing.js";

/** Writes an error to standard error: where it happened, what it is, how the script got there. */
export function report(error, script) {
  for (const text of error?.rendered ?? []) console.error(text);
  console.error(describe(error, script, new Set()));
}

function describe(error, script, seen) {
  if (!(error instanceof Error)) return `the script threw ${text(error)}`;
  if (seen.has(error)) return "";
  seen.add(error);
  const frames = userFrames(error.stack);
  const parts = [];
  if (error instanceof SyntaxError && frames.length === 0 && script) {
    parts.push((syntaxOf(script) ?? headOf(error.stack)).trimEnd());
  } else if (error.name === "HydroError" && frames.length === 0) {
    parts.push(`error: ${String(error).slice("HydroError: ".length)}`);
  } else {
    parts.push(excerpt(frames[0]) + headOf(error.stack || String(error)), ...frames);
  }
  for (const [word, other] of related(error)) parts.push(`${word}: ${describe(other, undefined, seen)}`);
  return parts.join("\n");
}

function* related(error) {
  for (const other of error.errors ?? []) yield ["one of them", other];
  if (error.cause !== undefined) yield ["caused by", error.cause];
}

function text(value) {
  try {
    return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  } catch {
    return typeof value;
  }
}

/** Node keeps the place of a syntax error to itself; asked once more, it tells. */
function syntaxOf(script) {
  try {
    return syntaxError(shown(script), readFileSync(script, "utf8"));
  } catch {
    return undefined;
  }
}

/** The line that a frame names, with a mark under its place. */
function excerpt(frame) {
  const place = placeOf(frame);
  if (!place) return "";
  try {
    const line = readFileSync(place.file, "utf8").split(/\r?\n/)[place.line - 1];
    const under = line.slice(0, place.column - 1).replace(/[^\t]/g, " ");
    return `${place.file}:${place.line}\n${line}\n${under}^\n`;
  } catch {
    // The file is no longer there, or never was one.
    return "";
  }
}
