import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf", name: "ticker", params: { period_ms: 5 } });
  const one = deployment.Hydroflow({ src: "src/counter.hf", name: "one" });
  const two = deployment.Hydroflow({ src: "src/counter.hf", name: "two" });
  ticker.ports.out.connect(one.ports.numbers);
  two.ports.numbers.open();
  await deployment.deploy();
  ticker.ports.out.connect(two.ports.numbers);
  console.log(shown((await deployment.plan()).link));
  await deployment.deploy();
  for await (const line of two.stdout()) {
    if (!line.startsWith("0 ")) {
      console.log("two hears");
      break;
    }
  }
  ticker.ports.out.disconnect(two.ports.numbers);
  ticker.ports.out.disconnect(one.ports.numbers);
  console.log(shown((await deployment.plan()).unlink));
  await deployment.deploy();
  const links = (await ticker.metrics()).flatMap((each) => each.links.filter((link) => link.connected));
  console.log(shown(links.map((link) => link.peer)));
  console.log(JSON.stringify(deployment.status().map((member) => member.restarts)).replaceAll(",", ", "));
}

function shown(words) {
  return `[${words.map((word) => `'${word}'`).join(", ")}]`;
}
