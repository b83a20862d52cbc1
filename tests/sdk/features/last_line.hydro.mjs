import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const short = deployment.Command("sh", "-c", "echo one; echo two; exec sleep 60", { name: "short" });
  await deployment.deploy();
  const lines = short.stdout();
  console.log(await lines.item(), await lines.item());
  await short.kill();
  try {
    await lines.item();
  } catch (error) {
    console.log(error.message);
  }
  for await (const line of lines) console.log("not reached", line);
}
