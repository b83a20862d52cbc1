import { Deployment } from "hydro";

/** Waits until the receiver is further than this; returns how far. */
async function at(check, beyond) {
  for await (const line of check.stdout()) {
    if (line.startsWith("wrong")) throw new Error(line);
    if (line.startsWith("at") && Number(line.split(" ")[2]) > beyond) return Number(line.split(" ")[2]);
  }
}

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf", name: "stream", params: { rate: 1 } });
  const check = deployment.Hydroflow({ src: "src/check.hf", name: "check" });
  stream.ports.out.connect(check.ports.numbers);
  await deployment.deploy();
  let last = await at(check, 10);
  for (const fault of /** @type {const} */ (["partition", "hold", "oneWay"])) {
    await deployment[fault](stream, check);
    await deployment.heal(stream, check);
    last = await at(check, last + 10);
    console.log(fault.replace("W", "_w"), "and on");
  }
  await deployment.delay(stream, check, { ms: 30 });
  last = await at(check, last + 10);
  await deployment.drop(stream[0], check[0], { ratio: 0.5 });
  last = await at(check, last + 10);
  await deployment.heal();
  await at(check, last + 10);
  console.log("delay and drop, and all came in order");
  await deployment.drop(stream, check, { ratio: 2 }); // fails here
}
