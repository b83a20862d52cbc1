//! Machines: where services run.

import { call } from "./blocking.js";
import { callAsync } from "./engine.js";
import { caller } from "./frames.js";

/** A place where services run. Made by a deployment: `deployment.Localhost()`. */
export class Machine {
  #deployment;
  #name;

  constructor(deployment, kind, params = {}) {
    const made = call("machine.add", { deployment, kind, origin: caller(), ...params });
    this.#deployment = deployment;
    this.#name = made.name;
  }

  /** Its name in the deployment. */
  get name() {
    return this.#name;
  }

  /** Stops all services on the machine and gives it up. */
  terminate() {
    return callAsync("machine.terminate", { deployment: this.#deployment, machine: this.#name });
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return `<${this.constructor.name} ${this.#name}>`;
  }
}

/** A virtual machine of Google Cloud. Made by a deployment: `deployment.GCPMachine({ project, zone, type })`. */
export class GCPMachine extends Machine {
  constructor(deployment, { project, zone, type }) {
    super(deployment, "gcp", { project, zone, type });
  }
}
