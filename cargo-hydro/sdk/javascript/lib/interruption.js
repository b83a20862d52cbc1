//! Ctrl-C, or the engine's word that it is over: the script gets one chance to clean up, whichever comes first.

import { interruptAll } from "./engine.js";

export const INTERRUPTED = 130;

/** Whether it happened. */
export const interruption = { happened: false };

/** Listens. A script that waits for something of ours gets an `Interrupted` there; one that does not is ended. */
export function listen() {
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.on(signal, () => {
      if (interruption.happened) return;
      interruption.happened = true;
      // Who listens too has plans of their own.
      if (!interruptAll() && process.listenerCount(signal) === 1) process.exit(INTERRUPTED);
    });
  }
}
