//! Which lines of a stack are the user's own.
//!
//! Knows the form of V8's stacks and the place of our files.

import path from "node:path";
import { fileURLToPath } from "node:url";

// All of our own files are under this folder; frames there are no user's.
const SDK = new URL("../", import.meta.url).href;
const SDK_FOLDER = fileURLToPath(SDK);
const FRAME = /^ {4}at /;
// `at name (file:line:column)` or `at file:line:column`, with `async` in front of it or not.
const PLACE = /^ {4}at (?:.* \()?(?:async )?(.+):(\d+):(\d+)\)?$/;

// Some frames of a call are ours, and the user's shall not fall off behind them.
Error.stackTraceLimit = Math.max(Error.stackTraceLimit, 30);

/** Returns the user's own frames of a stack, with files as the user names them. */
export function userFrames(stack) {
  return (stack ?? "").split("\n").filter((line) => FRAME.test(line) && !isOurs(line)).map(shortened);
}

/** Returns the head of a stack: what stands above its frames. */
export function headOf(stack) {
  const lines = stack.split("\n");
  const first = lines.findIndex((line) => FRAME.test(line));
  return (first < 0 ? lines : lines.slice(0, first)).map((line) => line.replaceAll(/file:\/\/\/[^\s:]+/g, shown)).join("\n");
}

function isOurs(frame) {
  return frame.includes("(node:") || frame.includes("at node:") || frame.includes("<anonymous>)") || frame.includes(SDK) || frame.includes(SDK_FOLDER);
}

function shortened(frame) {
  return frame.replace(PLACE, (whole, file, line, column) => whole.replace(`${file}:${line}:${column}`, `${shown(file)}:${line}:${column}`));
}

/** Returns the place that a frame names. */
export function placeOf(frame) {
  const found = PLACE.exec(frame ?? "");
  return found ? { file: found[1], line: Number(found[2]), column: Number(found[3]) } : undefined;
}

/** Returns the line of the user's own code that called into this package. */
export function caller() {
  const place = placeOf(userFrames(new Error().stack)[0]);
  return place ? { file: place.file, line: place.line } : undefined;
}

/** Returns a file as the user would name it: from the folder they are in, if it is below. */
export function shown(file) {
  const plain = file.startsWith("file://") ? fileURLToPath(file) : file;
  const relative = path.relative(process.cwd(), plain);
  return relative.startsWith("..") || path.isAbsolute(relative) ? plain : relative;
}
