//! Values as JSON text and back, without losing what JavaScript's own functions would lose silently.

import { randomUUID } from "node:crypto";

import { HydroError } from "./error.js";

// Marks an integer that no number can hold, between two steps; no text of a user's holds it by chance.
const MARK = `int-${randomUUID()}:`;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");
// A string, or an integer with so many digits that it may be too large for a number.
const LONG = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

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
  const marked = text.replace(LONG, (token) => {
    if (token[0] === '"' || Number.isSafeInteger(Number(token))) return token;
    return `"${MARK}${token}"`;
  });
  return JSON.parse(marked, (_, value) => (typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value));
}
