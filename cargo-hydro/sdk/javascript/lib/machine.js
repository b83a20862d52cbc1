//! Machines: where services run.

import { call } from "./blocking.js";
import { callAsync } from "./engine.js";
import { onlyKnown } from "./error.js";
import { caller } from "./frames.js";
import { INSPECT, NUMBER } from "./identity.js";

/** A place where services run. */
export class Machine {
  #deployment;
  #name;

  constructor(deployment, kind, params = {}) {
    this.#deployment = deployment[NUMBER];
    this.#name = call("machine.add", { deployment: this.#deployment, kind, origin: caller(), ...params }).name;
  }

  /** Its name in the deployment. */
  get name() {
    return this.#name;
  }

  /** Stops all services on the machine and gives it up. */
  async terminate() {
    await callAsync("machine.terminate", { deployment: this.#deployment, machine: this.#name });
  }

  [INSPECT]() {
    return `<${this.constructor.name} ${this.#name}>`;
  }
}

/** This machine: `new Localhost(deployment)`, or `deployment.Localhost()`. */
export class Localhost extends Machine {
  constructor(deployment, options = {}) {
    onlyKnown("Localhost()", options, ["closed"]);
    super(deployment, "localhost", { closed: options.closed });
  }
}

/**
 * A machine that is reached by ssh: `new SSHMachine(deployment, "host")`, or `deployment.SSHMachine("host")`.
 *
 * What is left out is as ssh itself has it (`~/.ssh/config`, the agent's keys), and programs are built for what the machine is.
 */
export class SSHMachine extends Machine {
  constructor(deployment, host, options = {}) {
    onlyKnown("SSHMachine()", options, ["user", "port", "key", "knownHosts", "target", "libc", "builder", "services", "closed"]);
    const { user, port, key, knownHosts, target, libc, builder, services, closed } = options;
    super(deployment, "ssh", { host, user, port, key, known_hosts: knownHosts, target, libc, builder, services, closed });
  }
}

const GCP_OPTIONS = ["project", "zone", "type", "image", "disk", "spot", "network", "ttl", "autostop", "address"];

/** A virtual machine of Google Cloud: `new GCPMachine(deployment, { project, zone, type })`, or `deployment.GCPMachine({ … })`. */
export class GCPMachine extends Machine {
  constructor(deployment, options) {
    onlyKnown("GCPMachine()", options, GCP_OPTIONS);
    super(deployment, "gcp", { ...options });
  }
}
