export async function main() {
  console.log(process.argv.slice(2).join("|"));
}
