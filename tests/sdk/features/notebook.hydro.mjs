import { Deployment } from "hydro";

const DISPLAY = Symbol.for("Jupyter.display");
const count = (text, part) => text.split(part).length - 1;
const python = (value) => (value ? "True" : "False");

export async function main() {
  const deployment = new Deployment("shown");
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", name: "numbers" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  numbers.ports.out.connect(counter.ports.numbers);
  console.log(count(deployment.graph(), "<svg"), python(deployment.graph().includes("counter.hf")));
  await deployment.deploy();
  const html = deployment[DISPLAY]()["text/html"];
  console.log(python(html.startsWith("<table>")), count(html, "<tr>"), python(html.includes("<td>up</td>")), python(html.includes("<svg")));
  console.log(count(counter[DISPLAY]()["text/html"], "<tr>"));
  // `console.table` shows rows.
  console.log(python((await counter.metricsRows()).some((row) => row.peer === "numbers.0")));
}
