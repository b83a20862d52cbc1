// A page that shows what is in a database, live, as in web.hydro.py; with SQLite. Ctrl-C ends it.

import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment("web");
  const store = deployment.Hydroflow({ src: "src/store.hf", name: "store" });
  const server = deployment.Command("python3", "-u", "server.py", "{host}", "{port:http}", { name: "server" });
  const database = deployment.Command("python3", "-u", "database.py", "sqlite", "{data}/rows.db", { name: "database" });

  server.ports.stdout.connect(store.ports.requests);
  store.ports.told.connect(server.ports.stdin);
  store.ports.statements.connect(database.ports.stdin);
  database.ports.stdout.connect(store.ports.stored);
  await deployment.deploy();

  for await (const line of server.stderr()) if (line === "listening") break;
  console.log(`http://${server.resolve()[0].ports.http}/ shows what is in SQLite; Ctrl-C ends it`);
  await server.exitCode();
}
