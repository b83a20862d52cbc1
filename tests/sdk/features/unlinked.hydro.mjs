import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  deployment.Hydroflow({ src: "src/counter.hf", name: "counter" }); // fails here
  await deployment.deploy(); // fails here
}
