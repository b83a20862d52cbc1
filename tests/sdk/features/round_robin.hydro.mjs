import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", params: { count: 10 } });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", count: 2 });
  numbers.ports.out.connect(counter.ports.numbers, { policy: "round_robin" });
  await deployment.deploy();
  for (const member of counter) {
    for await (const line of member.stdout()) {
      if (line.startsWith("5 numbers")) break;
    }
  }
  console.log("each has 5");
}
