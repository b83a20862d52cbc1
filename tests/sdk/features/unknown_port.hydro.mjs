import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf" });
  console.log("before");
  numbers.ports.outt.connect(counter.ports.numbers); // fails here
  console.log("after");
}
