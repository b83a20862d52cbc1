import { Deployment, HydroError } from "hydro";

const DOUBLE = "import json, sys\nfor line in sys.stdin: print(json.dumps(json.loads(line) * 2))";

export async function main() {
  const deployment = new Deployment();
  const numbers = deployment.Hydroflow({ src: "src/numbers.hf", params: { count: 3 } });
  const double = deployment.Command("python3", "-u", "-c", DOUBLE, { name: "double" });
  const prints = deployment.Hydroflow({ src: "src/prints.hf" });
  numbers.ports.out.connect(double.ports.stdin);
  double.ports.stdout.connect(prints.ports.numbers);
  console.log(double.ports.stdin.direction);
  await deployment.deploy();
  const lines = prints.stdout();
  console.log(await lines.item(), await lines.item(), await lines.item());
  try {
    await double.ports.stdin.send(1);
  } catch (error) {
    if (!(error instanceof HydroError)) throw error;
    console.log(error.message);
  }
}
