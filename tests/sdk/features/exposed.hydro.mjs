import { Deployment, HydroError } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const server = deployment.Hydroflow({ src: "src/server.hf", name: "server" });
  const argv = ["python3", "-m", "http.server", "{port:http}", "--bind", "127.0.0.1"];
  const web = deployment.Command(argv, { name: "web" });
  server.ports.inbound.expose();
  web.ports.http.expose();
  console.log(server.ports.inbound.address ?? "None");
  await deployment.deploy();
  for (const port of [server.ports.inbound, web.ports.http]) {
    console.log(port.name, (port.address ?? "nowhere").split(":")[0]);
  }
  console.log(server.ports.outbound.address ?? "None");
  console.log(server.ports.inbound.address !== server.address ? "True" : "False");
  try {
    server.ports.outbound.expose({ listen: 8080 });
  } catch (error) {
    if (error instanceof HydroError) console.log(error.message);
  }
  const other = deployment.Hydroflow({ src: "src/server.hf", name: "other" });
  try {
    other.ports.inbound.expose({ listen: "nowhere" });
  } catch (error) {
    if (error instanceof HydroError) console.log(error.message);
  }
}
