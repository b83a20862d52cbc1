//! The connection for everything that is waited for; what is asked at once goes through `blocking.js`. Both reach one session.

import net from "node:net";

import { EngineGone, Interrupted, fromReply, gone, standAt } from "./error.js";
import { SESSION, SOCKET, start } from "./launch.js";

// Of the protocol, as docs/script-protocol.md describes it.
const PROTOCOL = 1;
const VERSION = "0.1.0";

const START_HINT = "start the script with `hydro run SCRIPT`";

/** Returns the place of the engine's socket; an engine that is missing is started. */
export function socketPath() {
  if (!process.env[SOCKET]) start();
  return process.env[SOCKET];
}

/** Returns what the first request of each connection says. */
export function hello() {
  return { session: process.env[SESSION] ?? "", client: "javascript", version: VERSION, protocol: PROTOCOL };
}

/** Asks the engine; the answer comes later. */
export function callAsync(method, params) {
  // The error shall stand where the script asked; when it comes, nobody is there any more.
  const here = new Error();
  return new Promise((resolve, reject) => {
    const failed = (error) => reject(standAt(error, here.stack));
    try {
      channel().ask(method, params, { done: resolve, failed, waits: true });
    } catch (error) {
      failed(error);
    }
  });
}

/** Starts a stream; what comes goes to `receiver`, which has `item`, `done` and `failed`. Returns the request. */
export function openStream(method, params, receiver) {
  return channel().ask(method, params, receiver);
}

let theChannel;

function channel() {
  if (!theChannel?.usable) theChannel = new Channel(socketPath());
  return theChannel;
}

/** A promise of ours that a script waits for keeps the process alive; an interruption ends the wait. */
const waits = new Set();

/** Counts a wait until the answer is called; `interrupted` is called if Ctrl-C comes first. */
export function wait(interrupted) {
  waits.add(interrupted);
  theChannel?.hold();
  return () => {
    waits.delete(interrupted);
    theChannel?.hold();
  };
}

/** Ends all that the script waits for. Returns whether it waited for anything. */
export function interruptAll() {
  const all = [...waits];
  for (const interrupted of all) interrupted(new Interrupted());
  return all.length > 0;
}

/** A request that was sent and is still being answered. */
class Ask {
  constructor(channel, number) {
    this.channel = channel;
    this.number = number;
  }

  /** Lets the engine send `count` more items. */
  more(count) {
    if (this.channel.usable) this.channel.send("stream.more", { stream: this.number, count });
  }

  /** Tells the engine that nobody listens any more. */
  cancel() {
    this.channel.cancel(this.number);
  }
}

class Channel {
  constructor(path) {
    this.usable = true;
    this.asked = new Map();
    this.last = 0;
    this.rest = "";
    this.unsent = [];
    this.socket = net.connect(path);
    this.socket.setEncoding("utf8");
    this.socket.on("data", (text) => this.read(text));
    this.socket.on("error", (error) => this.end(this.connected ? gone() : refused(error)));
    this.socket.on("connect", () => (this.connected = true));
    this.socket.on("close", () => this.end(gone()));
    this.ask("hello", hello(), { failed: (error) => this.end(error) });
    this.hold();
  }

  /** Only what is waited for keeps the process alive. */
  hold() {
    if (waits.size > 0) this.socket.ref();
    else this.socket.unref();
  }

  end(error) {
    this.usable = false;
    this.socket.destroy();
    const asked = [...this.asked.values()];
    this.asked.clear();
    for (const receiver of asked) receiver.failed(error);
  }

  /** Sends a request. */
  ask(method, params, receiver) {
    const number = this.send(method, params);
    this.asked.set(number, receiver.waits ? this.waiting(number, receiver) : receiver);
    return new Ask(this, number);
  }

  /** Makes the receiver of an answer that the script waits for. */
  waiting(number, { done, failed }) {
    const over = wait((interrupted) => {
      over();
      this.cancel(number);
      failed(interrupted);
    });
    return { done: (value) => (over(), done(value)), failed: (error) => (over(), failed(error)) };
  }

  /** Sends a request without caring for the answer; returns its number. */
  send(method, params) {
    if (!this.usable) throw gone();
    const number = ++this.last;
    // What one turn of the script asks for goes out in one piece.
    if (this.unsent.push(JSON.stringify({ id: number, method, params })) === 1) queueMicrotask(() => this.flush());
    return number;
  }

  flush() {
    const lines = this.unsent;
    this.unsent = [];
    if (this.usable) this.socket.write(lines.join("\n") + "\n");
  }

  /** Ends a request that nobody waits for any more. */
  cancel(number) {
    if (this.asked.delete(number) && this.usable) this.send("cancel", { request: number });
  }

  read(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    for (const line of lines) this.take(JSON.parse(line));
  }

  take(reply) {
    if (reply.id === 0) {
      // The engine could not even read which request it was; nobody shall wait for ever.
      this.end(fromReply(reply.error));
      return;
    }
    const receiver = this.asked.get(reply.id);
    if ("item" in reply) {
      receiver?.item?.(reply.item);
      return;
    }
    this.asked.delete(reply.id);
    if (reply.error) receiver?.failed?.(fromReply(reply.error));
    else receiver?.done?.(reply.result);
  }
}

/** Makes the error of a call that nobody took. */
export function refused(error) {
  return new EngineGone(`the engine does not answer: ${error.code ?? error.message}`, { hint: START_HINT });
}
