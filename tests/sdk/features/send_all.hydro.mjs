import { Deployment } from "hydro";

async function total(counter, count) {
  for await (const line of counter.stdout()) {
    if (line.startsWith(`${count} numbers`)) return line;
  }
}

async function* slowly() {
  for (let number = 0; number < 3; number++) {
    await new Promise(setImmediate);
    yield number;
  }
}

export async function main() {
  const deployment = new Deployment();
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  await deployment.deploy();
  const { numbers } = counter.ports;
  await numbers.sendAll(Array(5000).keys());
  console.log(await total(counter, 5000));
  await Promise.all(Array.from({ length: 2500 }, () => numbers.send(1)));
  console.log(await total(counter, 7500));
  await numbers.sendAll(slowly());
  console.log(await total(counter, 7503));
}
