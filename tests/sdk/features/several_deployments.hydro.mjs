import { Deployment } from "hydro";

async function count(limit) {
  const deployment = new Deployment(`up-to-${limit}`);
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", params: { count: limit } });
  const counter = deployment.Hydroflow({ src: "src/counter.hf" });
  numbers.ports.out.connect(counter.ports.numbers);
  await deployment.deploy();
  for await (const line of counter.stdout()) {
    if (line.startsWith(`${limit} numbers`)) {
      console.log(`${deployment.name}: ${line}`);
      break;
    }
  }
  return deployment;
}

export async function main() {
  const one = await count(10);
  const two = await count(20);
  await one.stop();
  console.log("still running:", (await two.services.counter.metrics()).length);
  await two.stop();
}
