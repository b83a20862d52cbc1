import { Deployment } from "hydro";

export async function main() {
  for (const count of [1, 3, 5]) {
    const deployment = new Deployment(`sweep-${count}`);
    const numbers = deployment.Hydroflow({ src: "src/numbers.hf", params: { count: 2 }, count });
    const counter = deployment.Hydroflow({ src: "src/counter.hf" });
    numbers.ports.out.connect(counter.ports.numbers);
    await deployment.deploy();
    for await (const line of counter.stdout()) {
      if (line.startsWith(`${2 * count} numbers`)) {
        console.log(deployment.name, line);
        break;
      }
    }
    await deployment.stop();
  }
}
