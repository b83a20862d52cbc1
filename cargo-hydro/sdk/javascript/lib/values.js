//! Values as JSON text and back, without losing what JavaScript's own functions would lose silently.

import { randomUUID } from "node:crypto";

import { HydroError } from "./error.js";

// Marks an integer that no number can hold, between two steps; no text of a user's holds it by chance.
const MARK = `int-${randomUUID()}:`;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");
// The begin of a string, or a number; and an integer with so many digits that it may be too large for a number.
const TOKEN = /"|-?\d[\d.eE+-]*/g;
const LONG = /^-?\d{16,}$/;

/** Writes a value as JSON text. A `BigInt` is an integer, a `Map` an object, a `Set` and bytes are arrays. */
export function asJson(value) {
  const kind = typeof value;
  let text;
  try {
    text = kind === "string" || kind === "boolean" ? JSON.stringify(value) : JSON.stringify(value, replace);
  } catch (error) {
    throw refusal(error.message.split("\n")[0]);
  }
  if (text === undefined) throw refusal(`${kind} is no value of JSON`);
  return text.includes(MARK) ? text.replace(MARKED, "$1") : text;
}

function refusal(why) {
  return new HydroError(`this cannot be written as JSON: ${why}`);
}

function replace(key, value) {
  switch (typeof value) {
    case "bigint":
      return `${MARK}${value}`;
    case "number":
      if (!Number.isFinite(value)) throw new TypeError(`${value} is no value of JSON`);
      return value;
    case "function":
    case "symbol":
      throw new TypeError(`a ${typeof value} is no value of JSON`);
    case "object": {
      // Buffers write themselves as objects before they get here.
      const own = this[key];
      if (own instanceof Uint8Array) return Array.from(own);
      if (value instanceof Map) return Object.fromEntries(value);
      return value instanceof Set || ArrayBuffer.isView(value) ? Array.from(value) : value;
    }
    default:
      return value;
  }
}

/** Reads a value from JSON text. An integer that a number cannot hold exactly is a `BigInt`. */
export function fromJson(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(markLong(text), (_, value) => (typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value));
}

/** Puts integers that no number can hold into marked strings. */
function markLong(text) {
  const parts = [];
  let done = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(text); found; found = TOKEN.exec(text)) {
    const [token] = found;
    if (token === '"') {
      TOKEN.lastIndex = endOfString(text, found.index);
    } else if (LONG.test(token) && !Number.isSafeInteger(Number(token))) {
      parts.push(text.slice(done, found.index), `"${MARK}${token}"`);
      done = TOKEN.lastIndex;
    }
  }
  return parts.join("") + text.slice(done);
}

/** Returns where the string that begins at `start` is over. By hand: a regular expression gives up on strings of many megabytes. */
function endOfString(text, start) {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let slashes = 0;
    while (text[quote - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return quote + 1;
  }
  return text.length;
}
