//! The thread behind `blocking.js`: passes one line on, passes one line back, and rings.

import net from "node:net";
import { workerData } from "node:worker_threads";

const { path, bell, port } = workerData;
let rest = "";
let over;
let asked = false;

function answer(message) {
  asked = false;
  port.postMessage(message);
  Atomics.store(bell, 0, 1);
  Atomics.notify(bell, 0);
}

function end(why) {
  over ??= why;
  if (asked) answer(over);
}

const socket = net.connect(path);
socket.setEncoding("utf8");
socket.on("data", (text) => {
  // An answer may be long and come in pieces; there is one at a time.
  rest += text;
  if (!rest.endsWith("\n")) return;
  const line = rest.slice(0, -1);
  rest = "";
  answer({ text: line });
});
socket.on("error", (error) => end({ failed: error.code ?? error.message }));
socket.on("close", () => end({}));
port.on("message", (line) => {
  asked = true;
  if (over) answer(over);
  else socket.write(`${line}\n`);
});
