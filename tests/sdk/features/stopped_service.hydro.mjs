import { Deployment, NotRunning } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server" });
  try {
    await server.ports.inbound.send("early");
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    console.log(error.message, "|", error.hint);
  }
  await deployment.deploy();
  const answers = server.ports.outbound.receive();
  await server.stop();
  try {
    await answers.item();
  } catch (error) {
    console.log(error.message);
  }
  console.log(JSON.stringify(await server.metrics()), server.address ?? "None");
  await server.ports.inbound.send("late"); // fails here
}
