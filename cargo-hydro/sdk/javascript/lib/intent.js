//! What a script's own text says it will do, before it does it.
//!
//! A deployment is checked before anything starts, and an input that nobody feeds is a mistake. A script that feeds one itself says so with
//! `send`, but only later; its text tells now. `port.open()` says the same where the text does not show it.

import { tokens } from "./tokens.js";

/** Names of ports that the script uses itself. */
export const namedPorts = new Set();

// Where there is no text, as in a notebook, nobody can know what will be typed: any input may be fed by hand.
let feedsAnything = false;

/** Whether the script may send to inputs of that name. */
export function feeds(port) {
  return feedsAnything || namedPorts.has(port);
}

/** Says that there is no text to read. */
export function expectAnything() {
  feedsAnything = true;
}

/** Finds `….ports.NAME`, `….ports["NAME"]` and `{ NAME } = ….ports` that are used for anything but linking them. */
export function readIntent(text) {
  for (const name of intended(tokens(text))) namedPorts.add(name);
}

/** Returns the names that words name for another use than linking. */
export function* intended(words) {
  const is = (at, text) => words[at]?.kind === "sign" && words[at].text === text;
  const isDot = (at) => is(at, ".") || is(at, "?.");
  const isConnect = (at) => isDot(at) && words[at + 1]?.text === "connect";
  // Whether each open parenthesis holds what `connect` is called with.
  const calls = [];
  for (let at = 0; at < words.length; at++) {
    if (is(at, "(")) calls.push(calls.at(-1) || isConnect(at - 2));
    else if (is(at, ")")) calls.pop();
    if (words[at].kind !== "name" || words[at].text !== "ports") continue;
    const [name, next] = named(words, at + 1, is, isDot);
    if (name === undefined) yield* taken(words, at, is);
    else if (!calls.at(-1) && !isConnect(next)) yield name;
  }
}

/** Reads `.NAME` or `["NAME"]`; returns the name and where it ends. */
function named(words, at, is, isDot) {
  if (isDot(at) && words[at + 1]?.kind === "name") return [words[at + 1].text, at + 2];
  const bracket = is(at, "?.") ? at + 1 : at;
  if (is(bracket, "[") && words[bracket + 1]?.kind === "string" && is(bracket + 2, "]")) return [words[bracket + 1].text, bracket + 3];
  return [undefined, at];
}

/** Returns the names of `{ NAME, OTHER: alias } = ….ports`, seen from its end. */
function taken(words, end, is) {
  let at = end;
  while (at > 0 && words[at].kind !== "other" && (words[at].kind !== "sign" || [".", "?.", "[", "]"].includes(words[at].text))) at--;
  if (!is(at, "=") || !is(at - 1, "}")) return [];
  const names = [];
  for (let back = at - 2; back >= 0 && !is(back, "{"); back--) {
    if (words[back].kind === "name" && (is(back - 1, "{") || is(back - 1, ","))) names.push(words[back].text);
  }
  return names;
}
