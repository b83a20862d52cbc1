//! Deployments: machines, services and links under one name.

import { fileURLToPath } from "node:url";

import { call } from "./blocking.js";
import { callAsync } from "./engine.js";
import { onlyKnown, standHere } from "./error.js";
import { caller } from "./frames.js";
import { GCPMachine, Machine } from "./machine.js";
import { Member, Service, openFed } from "./service.js";

// Carries what the engine has made already past the constructor that users call.
const MADE = Symbol("made");
const SERVICE = ["on", "count", "env", "name"];

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
    return new Deployment({ [MADE]: call("deployment.from_toml", { path: path === undefined ? undefined : asPath(path) }) });
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
  Localhost() {
    return new Machine(this.#id, "localhost");
  }

  /** Adds a virtual machine of Google Cloud. */
  GCPMachine(options) {
    onlyKnown("GCPMachine()", options, ["project", "zone", "type"]);
    return new GCPMachine(this.#id, options);
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

  /** Builds what has to be built, starts what does not run yet, and waits until it runs. */
  async deploy() {
    for (const service of this.#services.values()) openFed(service);
    await callAsync("deployment.deploy", { deployment: this.#id });
  }

  /** Stops all services, in the reverse order of their start. */
  async stop() {
    await callAsync("deployment.stop", { deployment: this.#id });
  }

  /** Cuts the links between two services, or two members, as a broken network would, until `heal()`. */
  async partition(one, other) {
    await callAsync("deployment.partition", { one: Member.ownerOf(one), other: Member.ownerOf(other) });
  }

  /** Ends all partitions and other faults; what waited is sent. */
  async heal() {
    await callAsync("deployment.heal", { deployment: this.#id });
  }

  [Symbol.for("nodejs.util.inspect.custom")]() {
    return `<Deployment ${this.#name}>`;
  }
}

Deployment.prototype[Symbol.asyncDispose ?? Symbol.for("nodejs.asyncDispose")] = Deployment.prototype.stop;

/** Makes what a test starts from: the workspace's `Hydro.toml`, or an empty deployment where there is none. */
export function ofWorkspace() {
  return new Deployment({ [MADE]: call("deployment.from_toml", { optional: true }) });
}

function placeOf({ on, count = 1, env = {}, name }) {
  if (on !== undefined && on !== null && !(on instanceof Machine)) {
    throw standHere(new TypeError("`on` wants a machine such as `deployment.Localhost()`"));
  }
  return { on: on?.name, count, env, name };
}

function asPath(path) {
  if (path instanceof URL) return fileURLToPath(path);
  if (typeof path === "string") return path;
  if (typeof path === "number") return String(path);
  throw standHere(new TypeError(`a path is text or a URL, not ${path === null ? "null" : typeof path}`));
}
