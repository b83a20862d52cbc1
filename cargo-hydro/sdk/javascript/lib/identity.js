//! How our own parts know each other: under names that no script uses by accident.

/** The number of a deployment in its session. */
export const NUMBER = Symbol("number");

/** Who a member is to the engine: deployment, service, and its own number if it is not all of them. */
export const OWNER = Symbol("owner");

/** What Node, and many others, print instead of an object's insides. */
export const INSPECT = Symbol.for("nodejs.util.inspect.custom");

/** What a notebook shows instead of an object. */
export const DISPLAY = Symbol.for("Jupyter.display");

/** What `await using` calls; versions of node that do not know it have no such symbol. */
export const DISPOSE = Symbol.asyncDispose ?? Symbol.for("nodejs.asyncDispose");
