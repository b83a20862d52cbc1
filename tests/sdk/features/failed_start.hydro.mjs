import { Deployment, HydroError } from "hydro";

export async function main() {
  const deployment = new Deployment();
  deployment.Hydroflow({ src: "src/exits.hf", name: "broken", params: { code: 5 } });
  try {
    await deployment.deploy();
  } catch (error) {
    if (!(error instanceof HydroError)) throw error;
    console.log(error.message);
    console.log(error.causes.join("\n").includes("there is no disk") ? "True" : "False");
    console.log(error.origin ? "True" : "False");
  }
}
