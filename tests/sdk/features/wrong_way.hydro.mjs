import { Deployment } from "hydro";

function link(one, other) {
  one.connect(other); // fails here
}

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", name: "numbers" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  link(counter.ports.numbers, numbers.ports.out); // fails here
}
