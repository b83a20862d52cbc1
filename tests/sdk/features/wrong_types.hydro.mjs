import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const words = deployment.Hydroflow({ src: "src/words.hf", name: "words" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  words.ports.out.connect(counter.ports.numbers); // fails here
  await deployment.deploy();
}
