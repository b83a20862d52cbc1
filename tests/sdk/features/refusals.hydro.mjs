import { Deployment, HydroError, UnknownPort } from "hydro";

function refused(attempt) {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof HydroError)) throw error;
    console.log(`${error instanceof UnknownPort ? "UnknownPort" : "HydroError"}: ${error.message}`);
    return;
  }
  throw new Error("it was taken");
}

export async function main() {
  const deployment = new Deployment();
  const other = new Deployment("other");
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", name: "numbers" });
  const counter = deployment.Hydroflow({ src: "src/counter.hf", name: "counter" });
  const sleep = deployment.Command("sleep", "60", { name: "sleep" });
  const far = other.Hydroflow({ src: "src/counter.hf", name: "far" });
  refused(() => deployment.Hydroflow({ src: "src/nubmers.hf" }));
  refused(() => deployment.Hydroflow({ src: "src/numbers.hf", params: { cuont: 3 } }));
  refused(() => deployment.Hydroflow({ src: "src/numbers.hf", name: "numbers" }));
  refused(() => deployment.Hydroflow({ src: "src/numbers.hf", name: "a.b" }));
  refused(() => deployment.Hydroflow({ src: "src/numbers.hf", count: 0 }));
  // @ts-expect-error: the types know it too
  refused(() => deployment.Command());
  refused(() => numbers.ports.outt);
  refused(() => sleep.ports.out);
  refused(() => counter.ports.numbers.connect(numbers.ports.out));
  refused(() => numbers.ports.out.connect(far.ports.numbers));
  // @ts-expect-error: the types know it too
  refused(() => numbers.ports.out.connect(counter.ports.numbers, { policy: "half" }));
  // @ts-expect-error: the types know it too
  refused(() => numbers.ports.out.connect(counter.ports.numbers, { delivery: "maybe" }));
  // @ts-expect-error: the types know it too
  refused(() => numbers.ports.out.connect(counter.ports.numbers, { transport: "pigeon" }));
  refused(() => numbers.ports.out.open());
  // @ts-expect-error: the types know it too
  refused(() => new Deployment({ tls: "sometimes" }));
  refused(() => Deployment.fromToml("nowhere.toml"));
}
