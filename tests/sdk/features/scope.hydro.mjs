import { Deployment } from "hydro";

export async function main() {
  // What `await using deployment = …` does at the end of its block, for versions of node that do not know it.
  const deployment = new Deployment("scoped");
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf" });
  try {
    await deployment.deploy();
    console.log(await ticker.stdout().item());
  } finally {
    await deployment[Symbol.asyncDispose]();
  }
  console.log("stopped:", await ticker.exitCode());
}
