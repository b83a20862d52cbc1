//! Items for ports: those that are given while others are on their way go together, in order.

import { callAsync } from "./engine.js";
import { Interrupted, standAt } from "./error.js";

// How many items one request may hold.
const TOGETHER = 1000;

const outboxes = new Map();

/** Sends an item, as JSON text, together with others that wait for the same. */
export function send(owner, port, item) {
  const key = JSON.stringify([owner.deployment, owner.service, owner.member, port]);
  let outbox = outboxes.get(key);
  if (!outbox) outboxes.set(key, (outbox = new Outbox({ ...owner, port })));
  return outbox.add(item);
}

/** Sends values, from wherever they come, as JSON. */
export async function sendAll(owner, port, values) {
  let items = [];
  const flush = async () => {
    const batch = items;
    items = [];
    if (batch.length > 0) await callAsync("port.send", { ...owner, port, items: batch });
  };
  for await (const item of values) {
    if (items.push(item) === TOGETHER) await flush();
  }
  await flush();
}

class Outbox {
  #to;
  #waiting = [];
  #isBusy = false;

  constructor(to) {
    this.#to = to;
  }

  add(item) {
    const here = new Error();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject, here });
      if (!this.#isBusy) this.#work();
    });
  }

  async #work() {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, TOGETHER);
      try {
        await callAsync("port.send", { ...this.#to, ...(batch.length === 1 ? { item: batch[0].item } : { items: batch.map(({ item }) => item) }) });
        for (const { resolve } of batch) resolve();
      } catch (error) {
        // Who is interrupted sends nothing more.
        const told = error instanceof Interrupted ? [...batch, ...this.#waiting.splice(0)] : batch;
        standAt(error, batch[0].here.stack);
        for (const { reject } of told) reject(error);
      }
    }
    this.#isBusy = false;
  }
}
