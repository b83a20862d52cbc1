import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", name: "numbers", params: { count: 10 } });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  numbers.ports.out.connect(counter.ports.numbers);
  await deployment.deploy();
  for await (const line of counter.stdout()) {
    if (line.startsWith("10 numbers")) break;
  }
  const rows = await deployment.metricsRows();
  const told = rows.map((row) => `('${row.service}', '${row.port}', '${row.direction}', ${row.messages})`);
  console.log(`[${told.sort().join(", ")}]`);
  const [row] = await counter.metricsRows();
  const isFlat = Object.values(row).every((value) => value === null || typeof value !== "object");
  console.log(isFlat ? "True" : "False", row.peer);
}
