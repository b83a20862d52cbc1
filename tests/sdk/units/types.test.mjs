//! The types say what there is, and all there is has a type.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as hydro from "../../../cargo-hydro/sdk/javascript/index.js";

const types = readFileSync(new URL("../../../cargo-hydro/sdk/javascript/index.d.ts", import.meta.url), "utf8");

/** Returns the members of a class in the types: their names, static ones apart. */
function declared(name) {
  const body = new RegExp(`^export class ${name}\\b[^{]*\\{(?:\\}|([^]*?)^\\})`, "m").exec(types)?.[1] ?? "";
  const members = [...body.matchAll(/^ {2}(static |get |readonly )?(\w+|\[Symbol\.\w+\])(?:\(|<|:)/gm)];
  const named = members.filter(([, , word]) => word !== "constructor");
  return [...new Set(named.map(([, mark, word]) => `${mark === "static " ? "static " : ""}${word}`))].sort();
}

function actual(Kind) {
  const isKnown = (key) => !["constructor", "length", "name", "prototype"].includes(key);
  const word = (key) => (typeof key === "symbol" ? `[${key.description.replace("nodejs.asyncDispose", "Symbol.asyncDispose")}]` : key);
  const isOurs = (key) => ["[nodejs.util.inspect.custom]", "[Jupyter.display]", "[number]", "[owner]"].includes(key);
  const own = Reflect.ownKeys(Kind.prototype).map(word).filter((key) => key !== "constructor");
  const statics = Reflect.ownKeys(Kind).filter((key) => typeof key === "string" && isKnown(key)).map((key) => `static ${key}`);
  return [...own, ...statics].filter((key) => !isOurs(key)).sort();
}

test("each class has the members that its types have", () => {
  for (const name of ["Deployment", "Machine", "Localhost", "SSHMachine", "GCPMachine", "Member", "Service", "Port", "Stream"]) {
    assert.deepEqual(actual(hydro[name]), declared(name), name);
  }
});

test("what is exported is typed", () => {
  const classes = [...types.matchAll(/^export class (\w+)/gm)].map(([, name]) => name).sort();
  assert.deepEqual(Object.keys(hydro).sort(), classes);
});
