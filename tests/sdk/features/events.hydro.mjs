import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf", name: "ticker" });
  deployment.Command("sh", "-c", "exit 3", { name: "broken" });
  const events = deployment.events();
  await deployment.deploy();
  await ticker.restart();
  await ticker.waitHealthy();
  await deployment.stop();
  const heard = [];
  for await (const event of events) heard.push(event);
  for (const service of ["ticker", "broken"]) {
    for (const event of heard.filter((event) => event.service === service)) {
      const how = event.kind === "exited" ? [event.code, event.signal ?? "None", event.expected ? "True" : "False"] : [];
      console.log(service, event.kind, ...how);
    }
  }
  const releases = heard.filter((event) => event.kind === "released").map((event) => event.release);
  console.log(JSON.stringify(releases), heard.at(-1).kind);
}
