import assert from "node:assert";

import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const counter = deployment.Command("seq", "30000", { name: "counter" });
  const sleeper = deployment.Command("sleep", "60", { name: "sleeper" });
  await deployment.deploy();
  await counter.exitCode();
  let count = 0;
  for await (const line of counter.stdout()) assert.equal(line, String(++count));
  console.log(count, "lines, more than memory holds");
  const late = counter.stdout();
  console.log(await late.item());
  await late.close();
  const rest = [];
  for await (const line of late) rest.push(line);
  console.log(JSON.stringify(rest));
  const wait = new Promise((done) => setTimeout(done, 50, "still sleeps"));
  console.log(await Promise.race([sleeper.exitCode(), wait]));
  console.log(`{${Object.keys(counter.ports)}}`, sleeper.address ?? "None");
}
