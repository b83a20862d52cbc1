import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment({ localLinks: "tcp" });
  const stream = deployment.Hydroflow({ src: "src/stream.hf", params: { rate: 1 } });
  const ways = { as_all: undefined, shm: "shm", unix: "unix" };
  for (const [name, transport] of Object.entries(ways)) {
    const check = deployment.Hydroflow({ src: "src/check.hf", name });
    stream.ports.out.connect(check.ports.numbers, { transport });
  }
  await deployment.deploy();
  for (const name in ways) await deployment.services[name].stdout().item();
  const [metrics] = await stream.metrics();
  for (const link of metrics.links.sort((one, other) => (one.peer < other.peer ? -1 : 1))) {
    console.log(link.peer, "by", link.endpoint.replace("dial:", "").split(":")[0]);
  }
}
