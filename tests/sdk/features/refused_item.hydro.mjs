import { Deployment, ItemRefused } from "hydro";

async function told(attempt) {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof ItemRefused)) throw error;
    return error.message;
  }
}

export async function main() {
  const deployment = new Deployment();
  const waits = deployment.Hydroflow({ src: "src/waits.hf", name: "waits" });
  await deployment.deploy();
  const { waits: inbound, seconds: outbound } = waits.ports;
  let seconds = outbound.receive();
  await inbound.send(["a", { secs: 1, nanos: 0 }]);
  console.log(await seconds.item());
  for (const wrong of [["b", { secs: 1 }], ["b", { secs: "two", nanos: 0 }], 7]) {
    await inbound.send(wrong);
    console.log(await told(() => seconds.item()));
    seconds = outbound.receive();
    // Who only sends learns it with the next send.
    const refused = await told(() => inbound.send(["c", { secs: 2, nanos: 0 }]));
    if (refused) await inbound.send(["c", { secs: 2, nanos: 0 }]);
    console.log(await seconds.item());
  }
  await inbound.send("far");
  await seconds.item(); // fails here
}
