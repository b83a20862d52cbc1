import { Deployment } from "hydro";

const python = (value) => (value ? "True" : "False");

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server", count: 2 });
  server.ports.inbound.open();
  const web = deployment.Command("sh", "-c", "echo {port:http}; exec sleep 60", { name: "web" });
  await deployment.deploy();
  console.log(`[${server.resolve().map((resolved, n) => python(resolved.address === server[n].address)).join(", ")}]`);
  const [resolved] = web.resolve();
  console.log(resolved.name, `[${Object.keys(resolved.ports).map((name) => `'${name}'`)}]`);
  console.log(python(resolved.ports.http === `127.0.0.1:${await web.stdout().item()}`));
}
