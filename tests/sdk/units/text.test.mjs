//! What the package reads from a script's text: words, ports that it uses itself, tests, `.hf` files.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";

import { intended } from "../../../cargo-hydro/sdk/javascript/lib/intent.js";
import { listing } from "../../../cargo-hydro/sdk/javascript/lib/listing.js";
import { tokens } from "../../../cargo-hydro/sdk/javascript/lib/tokens.js";

const words = (text) => tokens(text).map((word) => word.text);
const named = (text) => [...intended(tokens(text))];

test("words are found between comments, strings, templates and regular expressions", () => {
  assert.deepEqual(words("a /* b */ c // d\ne"), ["a", "c", "e"]);
  assert.deepEqual(words("#!/usr/bin/env hydro\na"), ["a"]);
  assert.deepEqual(words(`f("b // c", 'it\\'s', \`d\`)`), ["f", "(", "b // c", ",", "it's", ",", "d", ")"]);
  assert.deepEqual(words("x = a / b / c; y = /[/\"]'/g.test(z)"), ["x", "=", "a", "/", "b", "/", "c", ";", "y", "=", `/[/"]'/g`, ".", "test", "(", "z", ")"]);
  assert.deepEqual(words("`a${ b + `c${d}` }e` f"), ["a", "(", "b", "+", "c", "(", "d", ")", "", ")", "e", "f"]);
  assert.deepEqual(words("`${ {a: 1}.a }` b"), ["", "(", "{", "a", ":", "1", "}", ".", "a", ")", "", "b"]);
  assert.deepEqual(words("größer?.a ?? 1e-3 ?.5:x"), ["größer", "?.", "a", "?", "?", "1e-3", "?", ".5", ":", "x"]);
});

test("words know their lines", () => {
  const lines = tokens("a\n/* 1\n2 */ b `x\ny` c").map(({ text, line }) => [text, line]);
  assert.deepEqual(lines, [["a", 1], ["b", 3], ["x\ny", 3], ["c", 4]]);
});

test("text that is cut off, or no JavaScript at all, is read to its end", () => {
  for (const text of ["`a${", "`a", '"a', "/* a", "/a", "}}}", "{{", "`${}`}`", "\\", "\u0000", "a.ports.", "a.ports[", "} = a.ports", "export async function", "#"]) {
    named(text);
  }
});

test("ports that a script uses itself are told from those it links", () => {
  assert.deepEqual(named("await server.ports.inbound.send(1)"), ["inbound"]);
  assert.deepEqual(named('a.ports["in"].send(1); a.ports[\'out\'].receive(); a?.ports?.more'), ["in", "out", "more"]);
  assert.deepEqual(named("a.ports.out.connect(b.ports.in)"), []);
  assert.deepEqual(named("a.ports.out\n  ?.connect(b[0].ports['in'], { policy: f(c.ports.x) })"), []);
  assert.deepEqual(named("for (const p of a.ports) p.open()"), []);
  assert.deepEqual(named("const port = a.ports.inbound;"), ["inbound"]);
  assert.deepEqual(named("const { inbound, outbound: answers } = servers[0].ports;"), ["outbound", "inbound"]);
  assert.deepEqual(named("const { ports } = server; ports.inbound.send(`${b.ports.other}`)"), ["inbound", "other"]);
  assert.deepEqual(named("// a.ports.comment\n'a.ports.text'"), []);
});

test("tests are exported async functions, and what is nearly one is told", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "hydro "));
  const list = (name, text) => {
    writeFileSync(path.join(folder, name), text);
    const { file, ...rest } = listing(path.join(folder, name));
    return rest;
  };
  try {
    const text = `
export async function testOne(deployment) {}
export const test_two = async () => deployment.Hydroflow({ src: "b.hf" });
export async function tested() {}
async function test_hidden() {}
export function test_plain() {}
const inner = () => { async function test_inner() {} };
const found = ["a.hf", 'b.hf', "a.hf.txt"];
`;
    assert.deepEqual(list("a.hydro.mjs", text), {
      error: null,
      tests: [{ name: "testOne", line: 2 }, { name: "test_two", line: 3 }],
      ignored: [
        { name: "test_hidden", line: 5, why: "it is not exported" },
        { name: "test_plain", line: 6, why: "it is not `async`" },
      ],
      sources: ["a.hf", "b.hf"],
    });
    const wrong = list("b.hydro.mjs", "export async function test_a(: {}\n");
    assert.match(wrong.error, /b\.hydro\.mjs:1\n.*\n *\^\n\nSyntaxError/);
    assert.deepEqual(wrong.tests, []);
    assert.match(listing(path.join(folder, "none.hydro.mjs")).error, /^cannot read .*ENOENT/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
