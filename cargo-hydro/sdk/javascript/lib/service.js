//! Services, their members and their ports.

import { call } from "./blocking.js";
import { callAsync } from "./engine.js";
import { onlyKnown, standHere } from "./error.js";
import { caller } from "./frames.js";
import { DISPLAY, INSPECT, OWNER } from "./identity.js";
import { feeds, namedPorts } from "./intent.js";
import { rows } from "./metrics.js";
import { send, sendAll } from "./outbox.js";
import { MEMBER_COLUMNS, table } from "./show.js";
import { Stream } from "./stream.js";
import { asJson, fromJson } from "./values.js";

// What JavaScript itself asks any object for; a service rarely has a port of such a name.
const ASKED_BY_THE_LANGUAGE = ["then", "toJSON", "constructor", "inspect", "nodeType", "asymmetricMatch"];

/** A port of a service, or of one of its members. */
export class Port {
  #owner;
  #name;
  #direction;
  // Outputs of the same service.
  #siblings;
  // Outputs that were joined before the script asked for them, and those that were joined at some time.
  #joined;
  #claimed;

  constructor({ owner, known, joined, claimed }, name) {
    this.#owner = owner;
    this.#name = name;
    this.#direction = known.get(name);
    this.#siblings = [...known.keys()].filter((other) => known.get(other) === "output");
    this.#joined = joined;
    this.#claimed = claimed;
  }

  /** Its name in the module's header. */
  get name() {
    return this.#name;
  }

  /** `input` or `output`. */
  get direction() {
    return this.#direction;
  }

  /** Links this output to an input. */
  connect(other, options = {}) {
    onlyPort("connect()", other);
    onlyKnown("connect()", options, ["policy", "insecure", "delivery", "transport"]);
    const { policy, insecure = false, delivery, transport } = options;
    call("link.connect", {
      deployment: this.#owner.deployment,
      other_deployment: other.#owner.deployment,
      output: { service: this.#owner.service, port: this.#name },
      input: { service: other.#owner.service, port: other.#name },
      policy,
      delivery,
      transport,
      insecure,
      origin: caller(),
    });
  }

  /** Takes a link away, with the next `deploy()`. An input that nothing else feeds is the script's own from then on. */
  disconnect(other) {
    onlyPort("disconnect()", other);
    call("link.disconnect", {
      deployment: this.#owner.deployment,
      output: { service: this.#owner.service, port: this.#name },
      input: { service: other.#owner.service, port: other.#name },
    });
  }

  /**
   * Has this port reached from outside once its service starts; before `deploy()`. `listen` is a port number, an IP address or both.
   * Without it a free port is taken, on this machine at the loopback address and elsewhere at all of the machine's.
   */
  expose(options = {}) {
    onlyKnown("expose()", options, ["listen"]);
    const { listen } = options;
    const { deployment, service } = this.#owner;
    const place = listen === undefined ? undefined : String(listen);
    call("port.expose", { deployment, service, port: this.#name, listen: place, origin: caller() });
  }

  /** Where this port is reached from outside, as `ADDRESS:PORT`; null unless it was exposed and its service was started. */
  get address() {
    return call("port.address", { port: this.#name, ...this.#owner });
  }

  /** Says that the script itself will send to this input, so that it needs no link. Before `deploy()`. */
  open() {
    call("port.open", { port: this.#name, ...this.#owner });
  }

  /**
   * Sends an item to this input. Sends that do not wait for one another (`Promise.all`) go together, in the order they were called.
   *
   * The answer may be quicker than the script's next line: outputs of the same service that the script's text names are joined first.
   */
  async send(value) {
    this.#joinSiblings();
    await send(this.#owner, this.#name, asJson(value));
  }

  /** Sends many items to this input, in order, as fast as the program takes them. */
  async sendAll(values) {
    this.#joinSiblings();
    await sendAll(this.#owner, this.#name, texts(values));
  }

  #joinSiblings() {
    for (const output of this.#siblings) {
      if (namedPorts.has(output) && !this.#claimed.has(output)) this.#joined.set(output, this.#join(output));
    }
  }

  /** Returns the items that this output sends from now on; the first time, from the script's first `send` on. */
  receive() {
    const early = this.#joined.get(this.#name);
    this.#joined.delete(this.#name);
    return early ?? this.#join(this.#name);
  }

  #join(output) {
    // One that nobody reads any more would make the program wait, so it is joined by itself once only.
    this.#claimed.add(output);
    const { receiver } = call("port.join", { port: output, ...this.#owner });
    return new Stream("port.receive", { receiver }, fromJson);
  }

  [INSPECT]() {
    return `<${this.#direction} ${this.#owner.service}.${this.#name}>`;
  }
}

async function* texts(values) {
  for await (const value of values) yield asJson(value);
}

function onlyPort(call, value) {
  if (value instanceof Port) return;
  throw standHere(new TypeError(`${call} wants a port such as \`service.ports.inbound\`, not ${kindOf(value)}`));
}

function kindOf(value) {
  return value === null ? "null" : typeof value === "object" ? value.constructor?.name ?? "an object" : typeof value;
}

/** Makes `service.ports`: an object that has each port under its name, and asks the engine about any other name. */
function portsOf(owner, ports) {
  const shared = { owner, known: new Map(ports.map((port) => [port.name, port.direction])), joined: new Map(), claimed: new Set() };
  const get = (name) => {
    if (!shared.known.has(name)) {
      // The engine knows the words for what is wrong with the name.
      const info = call("service.port", { port: name, deployment: owner.deployment, service: owner.service });
      shared.known.set(name, info.direction);
    }
    return new Port(shared, name);
  };
  const all = () => [...shared.known.keys()].map(get);
  // What prints a proxy looks at what is behind it.
  const behind = Object.create(null, { [INSPECT]: { value: () => `<ports ${[...shared.known.keys()].join(", ")}>`, configurable: true } });
  return new Proxy(behind, {
    get(_, name) {
      if (name === Symbol.iterator) return () => all()[Symbol.iterator]();
      const isForeign = typeof name === "symbol" || (ASKED_BY_THE_LANGUAGE.includes(name) && !shared.known.has(name));
      return isForeign ? undefined : get(name);
    },
    has: (_, name) => shared.known.has(name),
    ownKeys: () => [...shared.known.keys()],
    getOwnPropertyDescriptor: (_, name) =>
      shared.known.has(name) ? { value: get(name), enumerable: true, configurable: true } : undefined,
    set(_, name) {
      throw standHere(new TypeError(`ports cannot be set: \`${String(name)}\` is what the \`.hf\` file says`));
    },
  });
}

/** One running copy of a service. */
export class Member {
  #owner;
  #ports;

  constructor(owner, ports) {
    this.#owner = owner;
    this.#ports = portsOf(owner, ports);
  }

  get [OWNER]() {
    return this.#owner;
  }

  /** The service's name. */
  get name() {
    return this.#owner.service;
  }

  /** The ports of the module's header. */
  get ports() {
    return this.#ports;
  }

  /** The address (`ip:port`) that peers see in items of addressed ports; none before it runs, and for commands. */
  get address() {
    return call("service.address", this.#owner);
  }

  /** Returns the lines it writes to standard output, from its start on. */
  stdout() {
    return this.#lines("stdout");
  }

  /** Returns the lines it writes to standard error, from its start on. */
  stderr() {
    return this.#lines("stderr");
  }

  #lines(stream) {
    return new Stream("service.logs", { stream, ...this.#owner }, String);
  }

  /** Tells what peers need to reach each member: its address, and the ports of a command that its words name as `{port:NAME}`. */
  resolve() {
    return call("service.resolve", this.#owner);
  }

  /** Asks what it counts: one answer for each member that runs. */
  metrics() {
    return callAsync("service.metrics", this.#owner);
  }

  /** Asks what it counts, as one flat row for each link. */
  async metricsRows() {
    return rows(await this.metrics());
  }

  /** Waits until it is up, and its program connected to all it calls; `TimedOut` after `seconds` tells what is missing. */
  async waitHealthy(options = {}) {
    onlyKnown("waitHealthy()", options, ["seconds"]);
    await callAsync("service.wait_healthy", { seconds: options.seconds, ...this.#owner });
  }

  /** Starts it after it was stopped or has ended; who runs is left alone. */
  async start() {
    await callAsync("service.start", this.#owner);
  }

  /** Stops it in order and starts it again, at the same address. */
  async restart() {
    await callAsync("service.restart", this.#owner);
  }

  /** Waits for its end; the exit code, or the negative number of the signal that ended it. */
  exitCode() {
    return callAsync("service.exit_code", this.#owner);
  }

  /** Asks it to end in order and waits for the end. */
  async stop() {
    await callAsync("service.stop", this.#owner);
  }

  /** Ends it at once, as a crash would. */
  async kill() {
    await callAsync("service.kill", this.#owner);
  }

  [INSPECT]() {
    const { service, member } = this.#owner;
    return `<${this.constructor.name} ${service}${member === undefined ? "" : `[${member}]`}>`;
  }
}

/** A program placed on a machine, `count` times. `service[0]` is its first member; the methods here mean all of them. */
export class Service extends Member {
  #members = [];
  #known;

  constructor(deployment, { name, count = 1, ports = [] }) {
    super({ deployment, service: name }, ports);
    this.#known = ports;
    this.#resize(count);
  }

  #resize(count) {
    while (this.#members.length > count) {
      this.#members.pop();
      delete this[this.#members.length];
    }
    while (this.#members.length < count) {
      const number = this.#members.length;
      const member = new Member({ ...this[OWNER], member: number }, this.#known);
      this.#members.push(member);
      Object.defineProperty(this, number, { value: member, configurable: true });
    }
  }

  /** Its members, in the order of their numbers. */
  get members() {
    return [...this.#members];
  }

  /** Gives it another number of members; where it runs, at once. Between one member and several all are new: they have other names. */
  async scale(count) {
    const { deployment, service } = this[OWNER];
    const made = await callAsync("service.scale", { deployment, service, count });
    this.#resize(made.count);
  }

  /** How many members it has. */
  get length() {
    return this.#members.length;
  }

  [Symbol.iterator]() {
    return this.members[Symbol.iterator]();
  }

  /** Shows itself in a notebook: its members. */
  [DISPLAY]() {
    const states = call("deployment.status", { deployment: this[OWNER].deployment });
    const own = states.filter((state) => state.service === this.name);
    return { "text/html": table(MEMBER_COLUMNS, own, `service ${this.name}`) };
  }
}

/** Returns who a service or member is to the engine. */
export function ownerOf(member) {
  if (!(member instanceof Member)) throw standHere(new TypeError(`this wants a service or a member, not ${kindOf(member)}`));
  return member[OWNER];
}

/** Opens the inputs that the script's own text names for another use than linking; it need not say so twice. */
export function openFed(service) {
  for (const port of service.ports) {
    if (port.direction === "input" && feeds(port.name)) port.open();
  }
}
