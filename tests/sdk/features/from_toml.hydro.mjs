import { Deployment } from "hydro";

export async function main() {
  const deployment = Deployment.fromToml("from_toml.toml");
  console.log(deployment.name, "has", Object.keys(deployment.services).join(", "));
  await deployment.deploy();
  for await (const line of deployment.services.counter.stdout()) {
    if (line.startsWith("4 numbers")) {
      console.log(line);
      break;
    }
  }
}
