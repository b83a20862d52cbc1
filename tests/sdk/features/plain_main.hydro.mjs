import { inspect } from "node:util";

import { Deployment } from "hydro";

export default function main() {
  const deployment = new Deployment("described", { localLinks: "unix" });
  deployment.Hydroflow({ src: "src/ticker.hf" });
  deployment.Hydroflow({ src: "src/ticker.hf" });
  deployment.Command("sleep", "1");
  console.log(inspect(deployment), ...Object.keys(deployment.services));
}
