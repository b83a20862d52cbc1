import { Deployment } from "hydro";

function shown(words) {
  return `[${words.map((word) => `'${word}'`).join(", ")}]`;
}

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", name: "numbers" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  numbers.ports.out.connect(counter.ports.numbers);
  console.log(shown(deployment.status().map((member) => member.state)));
  let plan = await deployment.plan();
  console.log(shown(plan.start.sort()), shown(plan.link), shown(plan.restart));
  await deployment.deploy();
  plan = await deployment.plan();
  console.log(shown(plan.start), shown(plan.stop), shown(plan.rewire));
  deployment.Hydroflow({ src: "src/ticker.hf", name: "ticker" });
  console.log(shown((await deployment.plan()).start));
}
