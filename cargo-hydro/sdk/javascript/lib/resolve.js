//! Lets `import … from "hydro"` find this package without an installation.

import module from "node:module";

const HYDRO = new URL("../index.js", import.meta.url).href;

let script;

/** Called by node where hooks live in a thread of their own. */
export function initialize(data) {
  script = data.script;
}

/** Finds this package, and takes the script for the ES module that it is, whatever a `package.json` near it says of `.js`. */
export function resolve(specifier, context, next) {
  if (specifier === "hydro") return { url: HYDRO, format: "module", shortCircuit: true };
  if (specifier === script && specifier.endsWith(".js")) return { url: specifier, format: "module", shortCircuit: true };
  return next(specifier, context);
}

/** Puts the two in place. */
export function makeFindable(entry) {
  script = entry;
  if (module.registerHooks) module.registerHooks({ resolve });
  else module.register(import.meta.url, { data: { script } });
}
