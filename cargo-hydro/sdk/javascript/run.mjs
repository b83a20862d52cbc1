//! What the engine starts: `node THIS_FILE run SCRIPT`. Looks at the version of node before anything newer is loaded.

const OLDEST = [18, 19];
const [major, minor] = process.versions.node.split(".").map(Number);

if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]) || (major === 20 && minor < 6)) {
  console.error(`error: scripts need Node.js ${OLDEST.join(".")} or newer (of 20: 20.6); this is ${process.versions.node}`);
  process.exit(1);
}
const { main } = await import("./lib/runner.js");
await main(process.argv.slice(2));
