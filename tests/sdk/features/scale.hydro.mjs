import { Deployment } from "hydro";

function names(deployment) {
  return `[${deployment.status().map((member) => `'${member.name}'`).join(", ")}]`;
}

export async function main() {
  const deployment = new Deployment();
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf", name: "ticker", count: 2 });
  await deployment.deploy();
  const first = deployment.status()[0].pid;
  await ticker.scale(4);
  console.log(ticker.members.length, names(deployment));
  console.log(await ticker[3].stdout().item());
  await ticker.scale(2);
  console.log(ticker.members.length, names(deployment));
  console.log("the first went on", deployment.status()[0].pid === first && ticker[3] === undefined ? "True" : "False");
}
