import { Deployment, HydroError } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const command = deployment.Command("sleep", "60", { name: "sleep" });
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf", name: "ticker" });
  await deployment.deploy();
  for (const attempt of [() => command.metrics(), () => deployment.partition(ticker, command)]) {
    try {
      await attempt();
    } catch (error) {
      if (!(error instanceof HydroError)) throw error;
      console.log(error.message);
    }
  }
  await deployment.heal();
  console.log("healed all the same");
}
