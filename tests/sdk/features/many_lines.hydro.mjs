import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const count = deployment.Command("sh", "-c", "seq 1 5000; exec sleep 60");
  await deployment.deploy();
  let total = 0;
  for await (const line of count.stdout()) {
    total += Number(line);
    if (line === "5000") break;
  }
  console.log(total);
}
