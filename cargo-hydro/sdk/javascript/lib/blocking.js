//! Calls whose answer is there when they return: a thread holds a connection of its own, and this one sleeps until it has answered.
//!
//! Node has no blocking sockets; a sleeping thread and `Atomics` are what it has instead.

import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";

import { hello, refused, socketPath } from "./engine.js";
import { HydroError, fromReply, gone, standHere } from "./error.js";

let theLine;

/** Asks the engine and waits for the answer. */
export function call(method, params) {
  try {
    theLine ??= open();
    return ask(theLine, method, params);
  } catch (error) {
    throw error instanceof HydroError ? standHere(error) : error;
  }
}

function open() {
  const path = socketPath();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const { port1: port, port2: far } = new MessageChannel();
  const worker = new Worker(new URL("./blocking_thread.js", import.meta.url), {
    workerData: { path, bell, port: far },
    transferList: [far],
    // What the user gave to node is for the script, not for us.
    execArgv: [],
    argv: [],
  });
  worker.unref();
  port.unref();
  const line = { bell, port, last: 0 };
  ask(line, "hello", hello());
  return line;
}

function ask(line, method, params) {
  const id = ++line.last;
  Atomics.store(line.bell, 0, 0);
  line.port.postMessage(JSON.stringify({ id, method, params }));
  Atomics.wait(line.bell, 0, 0);
  const { text, failed } = receiveMessageOnPort(line.port)?.message ?? {};
  if (failed) throw refused({ code: failed });
  if (text === undefined) throw gone();
  const reply = JSON.parse(text);
  if (reply.error) throw fromReply(reply.error);
  return reply.result;
}
