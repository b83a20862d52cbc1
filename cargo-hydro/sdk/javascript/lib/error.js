//! What a script gets when the engine refuses something.

import { userFrames } from "./frames.js";

/**
 * The engine refused, or failed at, what the script asked for.
 *
 * `message` says what went wrong, `hint` the next step, `causes` why, `origin` the line (`file:line`) of the user's text that it comes
 * from, and `rendered` holds whole diagnostics, such as compiler errors at lines of an `.hf` file.
 */
export class HydroError extends Error {
  constructor(message, { hint, causes, origin, rendered } = {}) {
    super(message);
    this.hint = hint ?? undefined;
    this.causes = causes ?? [];
    this.origin = origin ?? undefined;
    this.rendered = rendered ?? [];
    quiet(this, ["hint", "causes", "origin", "rendered"]);
    standAt(this, this.stack);
  }

  toString() {
    const lines = [`${this.name}: ${this.message}`];
    if (this.origin) lines.push(`  at ${this.origin}`);
    for (const cause of this.causes) lines.push(`  ${cause.replaceAll("\n", "\n  ")}`);
    if (this.hint) lines.push(`  hint: ${this.hint}`);
    return lines.join("\n");
  }
}

/** A service has no port of that name. */
export class UnknownPort extends HydroError {}

/** The service does not run: it was not deployed yet, was stopped, or has ended. */
export class NotRunning extends HydroError {}

/** A program refused an item that the script sent: it does not fit the port's type. The message names the field. */
export class ItemRefused extends HydroError {}

/** It took longer than the script allowed. */
export class TimedOut extends HydroError {}

/** This package and the engine speak different versions of the protocol. */
export class VersionMismatch extends HydroError {}

/** The engine has ended, and all services with it. */
export class EngineGone extends HydroError {}

/** Ctrl-C, or the engine's word that it is over, while the script waited for something. */
export class Interrupted extends Error {
  constructor() {
    super("the script was interrupted");
  }
}

// By the words of the protocol.
const KINDS = {
  "unknown-port": UnknownPort,
  "not-running": NotRunning,
  "item-refused": ItemRefused,
  "timed-out": TimedOut,
  version: VersionMismatch,
};

for (const kind of [HydroError, EngineGone, Interrupted, ...Object.values(KINDS)]) {
  Object.defineProperty(kind.prototype, "name", { value: kind.name, configurable: true, writable: true });
}

/** Lets an error's text say what is in these; whoever prints the error shall not see them twice. */
function quiet(error, names) {
  for (const name of names) Object.defineProperty(error, name, { enumerable: false });
}

/** Gives an error the place where the script called us, without our own frames. */
export function standAt(error, stack) {
  error.stack = [String(error), ...userFrames(stack)].join("\n");
  return error;
}

/** Makes the error for the `error` of a reply; fields we do not know are left alone. */
export function fromReply(error = {}) {
  const Kind = KINDS[error.kind] ?? HydroError;
  const where = error.origin;
  const origin = where && [where.file, where.line, where.column].filter((part) => part).join(":");
  return new Kind(error.message ?? "unknown error", { ...error, origin });
}

/** Makes the error of whoever still wants something when the engine has ended. */
export function gone() {
  return new EngineGone("the engine is gone, and all services with it", { hint: "what it said last stands above, if it could say anything" });
}

/** Refuses options that nobody knows: a misspelt one would silently count for nothing. */
export function onlyKnown(call, options, known) {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw standHere(new TypeError(`${call} knows no option \`${name}\`; it knows \`${known.join("`, `")}\``));
  }
}

/** Gives an error that is made in this call the place of whoever called us. */
export function standHere(error) {
  return standAt(error, error.stack);
}
