import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf" });
  // @ts-expect-error: a service is no port
  numbers.ports.out.connect(counter); // fails here
}
