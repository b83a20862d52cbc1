import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf" });
  numbers.ports.out.connect(counter); // fails here
}
