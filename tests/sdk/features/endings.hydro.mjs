import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const stopped = deployment.Hydroflow({ src: "src/ticker.hf", name: "stopped" });
  const killed = deployment.Hydroflow({ src: "src/ticker.hf", name: "killed" });
  await deployment.deploy();
  await stopped.stop();
  console.log("stopped:", await stopped.exitCode());
  await killed.kill();
  console.log("killed:", await killed.exitCode());
  // Both ends of its output: what it wrote, then nothing more.
  let last = "";
  for await (const line of killed.stdout()) last = line;
  console.log(last ? last.split(" ")[0] : "tick");
}
