import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", params: { count: 5 } });
  const counter = deployment.Hydroflow({ src: "src/counter.hf" });
  numbers.ports.out.connect(counter.ports.numbers);
  await deployment.deploy();
  for await (const line of counter.stdout()) {
    if (line.startsWith("5 numbers")) {
      console.log(line);
      break;
    }
  }
}
