import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const stream = deployment.Hydroflow({ src: "src/stream.hf" });
  const check = deployment.Hydroflow({ src: "src/check.hf" });
  stream.ports.out.connect(check.ports.numbers);
  await deployment.deploy();
  console.log((await check.stdout().item()).split(" ")[0]);
  const late = deployment.Hydroflow({ src: "src/check.hf", name: "late" });
  stream.ports.out.connect(late.ports.numbers);
  await deployment.deploy();
  console.log(late.name, (await late.stdout().item()).split(" ")[0]);
  // The one that was there went on.
  console.log((await check.metrics()).length, "of", Object.keys(deployment.services).join(", "));
}
