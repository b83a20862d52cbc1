//! Items that arrive over time: a service's lines, a port's items.

import { openStream, wait } from "./engine.js";
import { HydroError, standAt } from "./error.js";
import { DISPOSE } from "./identity.js";

// How many items the engine may send ahead; it sends more when half of them were taken.
const AHEAD = 1024;

// A stream that nobody holds any more ends at the engine too.
const forgotten = new FinalizationRegistry((ask) => ask.cancel());

/**
 * Items over time: `for await (const item of stream)`, or `await stream.item()` for the next one.
 *
 * Leaving a loop over it early and going on later loses nothing, so it has no `return()`; `close()` ends it.
 */
export class Stream {
  #inbox = new Inbox();
  #method;
  #params;
  #read;
  #ask;
  #taken = 0;

  /** Made by services and ports. */
  constructor(method, params, read) {
    this.#method = method;
    this.#params = { ...params, ahead: AHEAD };
    this.#read = read;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** The next item, as loops take it. */
  async next() {
    let taken = this.#inbox.take();
    if (!taken) {
      const here = new Error();
      this.#open(here);
      taken = await this.#inbox.next(here);
    }
    if (taken.done) return taken;
    if (++this.#taken === AHEAD / 2 && !this.#inbox.ended) {
      this.#ask?.more(this.#taken);
      this.#taken = 0;
    }
    return { done: false, value: this.#read(taken.value) };
  }

  /** The next item; at the end it is an error. */
  async item() {
    const { done, value } = await this.next();
    if (done) throw new HydroError("nothing more comes");
    return value;
  }

  /** Ends the stream; nothing more comes. */
  async close() {
    this.#ask?.cancel();
    this.#ask = undefined;
    this.#inbox.close();
  }

  async [DISPOSE]() {
    await this.close();
  }

  #open(here) {
    if (this.#ask || this.#inbox.ended) return;
    try {
      this.#ask = openStream(this.#method, this.#params, this.#inbox);
      forgotten.register(this, this.#ask);
    } catch (error) {
      throw standAt(error, here.stack);
    }
  }
}

/** What has arrived and was not taken yet, and who waits for more. */
class Inbox {
  ended = false;
  #items = [];
  #first = 0;
  #error;
  #waiting = [];

  /** Returns what is there already, if anything is. */
  take() {
    if (this.#first === this.#items.length) return undefined;
    const value = this.#items[this.#first++];
    if (this.#first >= AHEAD) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return { done: false, value };
  }

  /** Waits for what comes next. */
  next(here) {
    if (this.ended) return this.#end(here);
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject, here };
      waiting.over = wait((interrupted) => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        waiting.over();
        reject(standAt(interrupted, here.stack));
      });
      this.#waiting.push(waiting);
    });
  }

  item(value) {
    const waiting = this.#waiting.shift();
    if (!waiting) {
      this.#items.push(value);
      return;
    }
    waiting.over();
    waiting.resolve({ done: false, value });
  }

  done() {
    this.ended = true;
    for (const { resolve, reject, over, here } of this.#waiting.splice(0)) {
      over();
      this.#end(here).then(resolve, reject);
    }
  }

  failed(error) {
    this.#error = error;
    this.done();
  }

  /** Forgets what has arrived and ends. */
  close() {
    this.#items = [];
    this.#first = 0;
    this.done();
  }

  async #end(here) {
    const error = this.#error;
    this.#error = undefined;
    if (error) throw standAt(error, here.stack);
    return { done: true, value: undefined };
  }
}
