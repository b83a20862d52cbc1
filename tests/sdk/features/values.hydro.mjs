import assert from "node:assert";

import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const mirror = deployment.Hydroflow({ src: "src/mirror.hf" });
  await deployment.deploy();
  const answers = mirror.ports.outbound.receive();
  for (const value of [
    [1, null, [], {}],
    [2, "", [-1, 0, 1], { half: 0.5, größer: 1e300 }],
    [3, 'a "quote", a\nline and 🦀', [9007199254740991], {}],
    // What a number cannot hold is a BigInt.
    [18446744073709551615n, "12345678901234567890", [-9223372036854775808n, 9007199254740993n], {}],
  ]) {
    await mirror.ports.inbound.send(value);
    const answer = await answers.item();
    assert.deepStrictEqual(answer, value);
    const [number, text, numbers] = /** @type {[number, string | null, number[]]} */ (answer);
    console.log([number, text === null ? "none" : [...text].length, ...numbers].join(" "));
  }
}
