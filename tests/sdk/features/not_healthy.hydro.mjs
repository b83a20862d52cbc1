import { Deployment, HydroError, TimedOut } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/ticker.hf", name: "ticker" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  numbers.ports.out.connect(counter.ports.numbers);
  await deployment.deploy();
  await counter.stop();
  try {
    await numbers.waitHealthy({ seconds: 0.5 });
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    console.log(error.message, error.causes[0].split(" is ")[0]);
  }
  try {
    await counter.waitHealthy();
  } catch (error) {
    if (!(error instanceof HydroError)) throw error;
    console.log(error.message);
  }
}
