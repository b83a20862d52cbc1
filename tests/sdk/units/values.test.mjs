//! Values on their way to JSON and back.

import assert from "node:assert/strict";
import test from "node:test";

import { asJson, fromJson } from "../../../cargo-hydro/sdk/javascript/lib/values.js";

test("what JSON has is written as JSON.stringify writes it", () => {
  for (const value of [null, true, 1.5, -0.25, "", 'a"\n🦀', [], {}, [1, [2, { a: null, größer: "x" }]], { date: new Date(0) }]) {
    assert.equal(asJson(value), JSON.stringify(value));
  }
});

test("integers of any size arrive as they are", () => {
  assert.equal(asJson({ a: 18446744073709551615n, b: [-1n] }), '{"a":18446744073709551615,"b":[-1]}');
  assert.deepEqual(fromJson('[18446744073709551615,-9223372036854775808,9007199254740991,9007199254740992]'), [
    18446744073709551615n,
    -9223372036854775808n,
    9007199254740991,
    9007199254740992n,
  ]);
  const text = '{"12345678901234567890":"12345678901234567890","b":"a\\"12345678901234567890"}';
  assert.equal(JSON.stringify(fromJson(text)), text);
  assert.deepEqual(fromJson("[1234567890123456.5,0.12345678901234567,1e300,12345678901234567e2]"), [1234567890123456.5, 0.12345678901234567, 1e300, 12345678901234567e2]);
});

test("an item of many megabytes is read too", () => {
  const text = JSON.stringify(["\\\"1234567890123456789".repeat(1_000_000), 1]);
  assert.equal(JSON.stringify(fromJson(text)), text);
});

test("maps, sets and bytes are what serde makes of them", () => {
  const value = { map: new Map([["a", 1n]]), set: new Set([1, 2]), bytes: new Uint8Array([1, 255]), buffer: Buffer.from([7]), floats: new Float64Array([0.5]) };
  assert.equal(asJson(value), '{"map":{"a":1},"set":[1,2],"bytes":[1,255],"buffer":[7],"floats":[0.5]}');
  assert.equal(asJson(new Map([["a", new Set([new Map()])]])), '{"a":[{}]}');
});

test("what would be lost silently is refused", () => {
  const circle = [];
  circle.push(circle);
  for (const value of [undefined, NaN, Infinity, [NaN], { a: -Infinity }, () => 1, [() => 1], Symbol("a"), circle]) {
    assert.throws(() => asJson(value), { name: "HydroError", message: /^this cannot be written as JSON: ./ });
  }
});
