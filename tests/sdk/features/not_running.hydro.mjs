import { Deployment, HydroError } from "hydro";

async function refused(attempt) {
  try {
    await attempt;
  } catch (error) {
    if (!(error instanceof HydroError)) throw error;
    console.log(error.message);
    return;
  }
  throw new Error("it was taken");
}

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server" });
  const many = deployment.Hydroflow({ src: "src/server.hf", name: "many", count: 2 });
  await refused(server.ports.inbound.send("too early"));
  await deployment.deploy();
  await refused(many.ports.inbound.send("to whom?"));
  await server.stop();
  await refused(server.ports.inbound.send("too late"));
  console.log(server.address === null ? "no address" : server.address);
}
