import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", name: "numbers" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });

  numbers.ports.out.connect(counter.ports.numbers);
  numbers.ports.out.connect(counter.ports.numbers); // fails here
}
