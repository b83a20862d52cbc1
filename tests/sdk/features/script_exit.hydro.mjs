import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  deployment.Hydroflow({ src: "src/ticker.hf" });
  await deployment.deploy();
  console.log("leaving");
  process.exit(7);
}
