import { Deployment } from "hydro";

export async function main() {
  const deployment = new Deployment();
  const ticker = deployment.Hydroflow({ src: "src/ticker.hf", count: 2 });
  console.log(ticker[0].address ?? "None");
  await deployment.deploy();
  const addresses = [...ticker].map((member) => member.address);
  console.log(...addresses.map((address) => address.split(":")[0]));
  console.log(new Set(addresses).size, "addresses");
  await ticker[0].stop();
  console.log(ticker[0].address ?? "None");
  console.log(ticker[1].address === addresses[1] ? "True" : "False");
}
