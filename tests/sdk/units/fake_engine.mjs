//! An engine for tests, in a thread of its own, as the package's plain calls keep their thread waiting.
//!
//! Answers `hello`, answers `echo` with its parameters, refuses `refuse`, and is gone at `leave`.

import net from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const answers = {
  hello: () => ({ result: { engine: "fake" } }),
  echo: (params) => ({ result: params }),
  refuse: () => ({ error: { kind: "failed", message: "no", hint: "ask nicely", causes: ["because\nit is so"], origin: { file: "a.hf", line: 3, column: null } } }),
};

const server = net.createServer((socket) => {
  socket.setEncoding("utf8");
  let rest = "";
  socket.on("error", () => {});
  socket.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const { id, method, params } of lines.map((line) => JSON.parse(line))) {
      if (method === "leave") process.exit();
      if (method === "count") {
        for (let number = 0; number < params.to; number++) socket.write(`${JSON.stringify({ id, item: String(number) })}\n`);
        socket.write(`${JSON.stringify({ id, result: null })}\n`);
      } else if (method in answers) {
        socket.write(`${JSON.stringify({ id, ...answers[method](params) })}\n`);
      }
    }
  });
});
server.listen(workerData.path, () => parentPort.postMessage("listening"));
