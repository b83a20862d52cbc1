import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf", params: { period_ms: 5 } });
  await deployment.deploy();
  const lines = ticker.stdout();
  for await (const line of lines) {
    console.log(line);
    if (line === "tick 2") break;
  }
  // Leaving a loop loses nothing.
  for await (const line of lines) {
    console.log("then", line);
    break;
  }
  // Another reader begins with the first line.
  console.log("again", await ticker.stdout().item());
}
