import { Deployment } from "hydro";

export async function main() {
  console.log(new Deployment().name, process.argv.slice(2).join("|"));
}
