import { Deployment } from "hydro";

async function deeper(ticker) {
  if ((await ticker.stdout().item()) === "tick 0") {
    throw new RangeError("that will not do"); // fails here
  }
}

export async function main() {
  const deployment = new Deployment();
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf" });
  await deployment.deploy();
  await deeper(ticker); // fails here
  console.log("not reached");
}
