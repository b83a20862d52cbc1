import { Deployment, HydroError } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server" });
  await deployment.deploy();
  const circle = [];
  circle.push(circle);
  for (const value of [NaN, Infinity, circle, [() => 1]]) {
    try {
      // @ts-expect-error: a function is no JSON
      await server.ports.inbound.send(value);
      console.log("it was sent");
    } catch (error) {
      if (!(error instanceof HydroError)) throw error;
      console.log(error.message.split(":")[0]);
    }
  }
  await server.ports.inbound.send("still there");
  console.log(await server.ports.outbound.receive().item());
}
