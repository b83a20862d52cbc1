//! Deployments: machines, services and links under one name.

import { fileURLToPath } from "node:url";

import { call } from "./blocking.js";
import { callAsync } from "./engine.js";
import { onlyKnown, standHere } from "./error.js";
import { readEvent } from "./events.js";
import { caller } from "./frames.js";
import { DISPLAY, DISPOSE, INSPECT, NUMBER } from "./identity.js";
import { GCPMachine, Localhost, Machine, SSHMachine } from "./machine.js";
import { rows } from "./metrics.js";
import { Service, openFed, ownerOf } from "./service.js";
import { MEMBER_COLUMNS, table } from "./show.js";
import { Stream } from "./stream.js";

// Carries what the engine has made already past the constructor that users call.
const MADE = Symbol("made");
const SERVICE = ["on", "count", "env", "name", "limits", "sandbox", "systemd"];

/**
 * Machines, services and links under one name.
 *
 * Describe it, then `await deployment.deploy()`; what is added afterwards joins with the next `deploy()`. Everything that still runs when
 * the script ends is stopped.
 */
export class Deployment {
  #id;
  #name;
  #services = new Map();

  constructor(name, options = {}) {
    const given = typeof name === "object" && name !== null ? name : { name, ...options };
    onlyKnown("Deployment()", given, ["name", "tls", "localLinks"]);
    const { name: wanted, tls, localLinks } = given;
    const made = given[MADE] ?? call("deployment.create", { name: wanted, tls, local_links: localLinks });
    this.#id = made.deployment;
    this.#name = made.name;
    for (const service of made.services ?? []) this.#services.set(service.name, new Service(this.#id, service));
  }

  /** Makes the deployment that a `Hydro.toml` describes; without a path, that of the workspace. */
  static fromToml(path) {
    return inDeployment(call("deployment.from_toml", { path: path === undefined ? undefined : asPath(path) }));
  }

  get [NUMBER]() {
    return this.#id;
  }

  /** Its name. */
  get name() {
    return this.#name;
  }

  /** Its services by name, in the order they were made. */
  get services() {
    return Object.assign(Object.create(null), Object.fromEntries(this.#services));
  }

  /** Adds this machine. */
  Localhost(options = {}) {
    return new Localhost(this, options);
  }

  /** Adds a machine that is reached by ssh; what is left out is as ssh itself has it. */
  SSHMachine(host, options = {}) {
    return new SSHMachine(this, host, options);
  }

  /** Adds a virtual machine of Google Cloud. */
  GCPMachine(options) {
    return new GCPMachine(this, options);
  }

  /** Adds a service that runs an `.hf` file. */
  Hydroflow(options) {
    onlyKnown("Hydroflow()", options, ["src", "params", "args", "colocate", ...SERVICE]);
    const { src, params = {}, args = [], colocate = false } = options;
    return this.#add("service.add_hydroflow", { src: asPath(src), params, args, colocate, ...placeOf(options) });
  }

  /** Adds a service that runs any executable: `Command("redis-server", "--port", "0", { env })`, or the same words in a list. */
  Command(...words) {
    const last = words.at(-1);
    const options = typeof last === "object" && !Array.isArray(last) && !(last instanceof URL) ? words.pop() : {};
    onlyKnown("Command()", options, SERVICE);
    return this.#add("service.add_command", { argv: words.flat().map(asPath), ...placeOf(options) });
  }

  #add(method, params) {
    const service = new Service(this.#id, call(method, { deployment: this.#id, origin: caller(), ...params }));
    this.#services.set(service.name, service);
    return service;
  }

  /** Builds what has to be built, starts what does not run yet, tells what runs of links that were made or unmade since, and waits until all is up. */
  async deploy() {
    for (const service of this.#services.values()) openFed(service);
    await callAsync("deployment.deploy", { deployment: this.#id });
  }

  /** Tells what `deploy()` would change of what runs, and changes nothing. */
  async plan() {
    for (const service of this.#services.values()) openFed(service);
    return callAsync("deployment.plan", { deployment: this.#id });
  }

  /** Tells how each member is. */
  status() {
    return call("deployment.status", { deployment: this.#id });
  }

  /**
   * Returns what happens from now on: starts, ends, restarts, releases, warnings. Ends when the deployment is stopped.
   *
   * The last 4096 are kept for a script that does not read; one that comes later to them gets an event `missed` first.
   */
  events() {
    const { receiver } = call("deployment.watch", { deployment: this.#id });
    return new Stream("deployment.events", { receiver }, readEvent);
  }

  /** Asks all running programs what they count. */
  metrics() {
    return callAsync("deployment.metrics", { deployment: this.#id });
  }

  /** Asks all running programs what they count, as one flat row for each link. */
  async metricsRows() {
    return rows(await this.metrics());
  }

  /** Draws services and links as SVG. */
  graph() {
    return call("deployment.graph", { deployment: this.#id });
  }

  /** Stops all services, in the reverse order of their start. */
  async stop() {
    await callAsync("deployment.stop", { deployment: this.#id });
  }

  /** Cuts the links between two services, or two members, as a broken network would, until `heal()`. */
  async partition(one, other) {
    await this.#fault(one, other, { fault: "partition" });
  }

  /** Lets no byte through between the two, though their connections stay, until `heal()`. */
  async hold(one, other) {
    await this.#fault(one, other, { fault: "hold" });
  }

  /** Lets no byte through from `one` to `other`, until `heal()`. */
  async oneWay(one, other) {
    await this.#fault(one, other, { fault: "one_way" });
  }

  /** Lets what the two send each other take so many milliseconds longer, each way, in order, until `heal()`. */
  async delay(one, other, { ms }) {
    await this.#fault(one, other, { fault: "delay", ms });
  }

  /** Loses what the two send each other so often (from 0 to 1), until `heal()`: a lossy link loses items, any other its connection. */
  async drop(one, other, { ratio }) {
    await this.#fault(one, other, { fault: "drop", ratio });
  }

  #fault(one, other, fault) {
    return callAsync("deployment.fault", { one: ownerOf(one), other: ownerOf(other), ...fault });
  }

  /** Ends all partitions and other faults, or those between two; what waited is sent. */
  async heal(one, other) {
    if ((one === undefined) !== (other === undefined)) throw standHere(new TypeError("heal() takes two services, or none"));
    const ends = one === undefined ? {} : { one: ownerOf(one), other: ownerOf(other) };
    await callAsync("deployment.heal", { deployment: this.#id, ...ends });
  }

  /** `await using deployment = new Deployment()`: stops it at the end of the block. */
  async [DISPOSE]() {
    await this.stop();
  }

  [INSPECT]() {
    return `<Deployment ${this.#name}>`;
  }

  /** Shows itself in a notebook: its members, and the graph of services and links. */
  [DISPLAY]() {
    const svg = this.graph();
    return { "text/html": table(MEMBER_COLUMNS, this.status(), `deployment ${this.#name}`) + svg, "image/svg+xml": svg };
  }
}

/** Makes a deployment of what the engine has made already. */
export function inDeployment(made) {
  return new Deployment({ [MADE]: made });
}

/** Makes what a test starts from: the workspace's `Hydro.toml`, or an empty deployment where there is none. */
export function ofWorkspace() {
  return inDeployment(call("deployment.from_toml", { optional: true }));
}

function placeOf({ on, count = 1, env = {}, name, limits, sandbox, systemd }) {
  if (on !== undefined && on !== null && !(on instanceof Machine)) {
    throw standHere(new TypeError("`on` wants a machine such as `deployment.Localhost()`"));
  }
  return { on: on?.name, count, env, name, limits, sandbox, systemd };
}

function asPath(path) {
  if (path instanceof URL) return fileURLToPath(path);
  if (typeof path === "string") return path;
  if (typeof path === "number") return String(path);
  throw standHere(new TypeError(`a path is text or a URL, not ${path === null ? "null" : typeof path}`));
}
