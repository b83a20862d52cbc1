//! The types of the package, for editors and for TypeScript.

/// <reference lib="esnext.disposable" />

/** Any value that is JSON. A `bigint` is an integer, a `Map` an object, a `Set` and bytes are arrays. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly Json[]
  | ReadonlySet<Json>
  | ReadonlyMap<string, Json>
  | { readonly [name: string]: Json | undefined }
  | { toJSON(): unknown };

/** What carries a link within a machine: shared memory, a Unix socket or TCP. */
export type LocalLinks = "shm" | "unix" | "tcp";

/** Options of a deployment. */
export interface DeploymentOptions {
  /** Its name; without one, the script's. */
  name?: string;
  /** Which links are encrypted: those between machines, or `"always"` all. */
  tls?: "machines" | "always";
  /** What carries links within a machine; `"shm"` without a word. */
  localLinks?: LocalLinks;
}

/** What all services have. */
export interface PlaceOptions {
  /** The machine; without one, this. */
  on?: Machine | null;
  /** How many members it has. */
  count?: number;
  /** Environment variables for the program. */
  env?: Readonly<Record<string, string>>;
  /** Its name; without one, the program's. */
  name?: string;
  /** What each member may use, on machines with systemd. */
  limits?: Limits;
  /** Whether it sees and changes no more of its machine than it needs; with systemd. */
  sandbox?: boolean;
  /** Properties of its unit, in systemd's words. */
  systemd?: Readonly<Record<string, string | number | boolean>>;
}

/** What a service may use. */
export interface Limits {
  /** Memory: `"512 MiB"`, or bytes. */
  memory?: string | number;
  /** Processors: `1.5` is one and a half. */
  cpu?: number;
  /** Processes and threads. */
  tasks?: number;
  /** Open files; also without systemd. */
  files?: number;
}

/** Options of a service that runs an `.hf` file. */
export interface HydroflowOptions extends PlaceOptions {
  /** The `.hf` file, relative to the script's folder or the workspace. */
  src: string | URL;
  /** Values for the module's parameters. */
  params?: Readonly<Record<string, Json | undefined>>;
  /** Arguments for the program. */
  args?: readonly string[];
  /** Whether it shares a process with the others that say so: a thread each, and items go from one to the other without being encoded. */
  colocate?: boolean;
}

/** A word of a command. */
export type Word = string | number | URL;

/** Options of a link. */
export interface LinkOptions {
  /** With several links, each item goes to all of them, or to one in turn. */
  policy?: "broadcast" | "round_robin";
  /** Never encrypted, not even between machines; each run warns of it. */
  insecure?: boolean;
  /** With `"lossy"` a peer that does not take items fast enough misses the older ones, and nobody waits for it. */
  delivery?: "reliable" | "lossy";
  /** What carries this link if both ends are on one machine. */
  transport?: LocalLinks;
}

/**
 * Machines, services and links under one name.
 *
 * Describe it, then `await deployment.deploy()`; what is added afterwards joins with the next `deploy()`. Everything that still runs when
 * the script ends is stopped.
 *
 * Links between machines are encrypted, with `tls: "always"` all links are; both ends prove who they are with certificates of the
 * deployment's own. Links within a machine go through shared memory, or as `localLinks` says.
 */
export class Deployment implements AsyncDisposable {
  constructor(options?: DeploymentOptions);
  constructor(name?: string, options?: Omit<DeploymentOptions, "name">);
  /** Makes the deployment that a `Hydro.toml` describes; without a path, that of the workspace. */
  static fromToml(path?: string | URL): Deployment;
  /** Its name. */
  get name(): string;
  /** Its services by name, in the order they were made. */
  get services(): Record<string, Service>;
  /** Adds this machine. If it is `closed`, no other machine can call it: services on it call all their peers. */
  Localhost(options?: { closed?: boolean }): Localhost;
  /** Adds a machine that is reached by ssh; what is left out is as ssh itself has it. */
  SSHMachine(host: string, options?: SSHOptions): SSHMachine;
  /** Adds a virtual machine of Google Cloud. */
  GCPMachine(options: GCPOptions): GCPMachine;
  /** Adds a service that runs an `.hf` file. Without `on` it runs on this machine. */
  Hydroflow(options: HydroflowOptions): Service;
  /** Adds a service that runs any executable: `Command("redis-server", "--port", "0", { name: "redis" })`, or the same words in a list. */
  Command(...words: [...(Word | readonly Word[])[], PlaceOptions | Word | readonly Word[]]): Service;
  /** Builds what has to be built, starts what does not run yet, tells what runs of links that were made or unmade since, and waits until all is up. */
  deploy(): Promise<void>;
  /** Tells what `deploy()` would change of what runs, and changes nothing. */
  plan(): Promise<Changes>;
  /** Tells how each member is. */
  status(): MemberState[];
  /**
   * Returns what happens from now on: starts, ends, restarts, releases, warnings. Ends when the deployment is stopped.
   *
   * The last 4096 are kept for a script that does not read; one that comes later to them gets an event `missed` first.
   */
  events(): Stream<Event>;
  /** Asks all running programs what they count. */
  metrics(): Promise<Metrics[]>;
  /** Asks all running programs what they count, as one flat row for each link: `console.table(await deployment.metricsRows())`. */
  metricsRows(): Promise<MetricsRow[]>;
  /** Draws services and links as SVG. */
  graph(): string;
  /** Stops all services, in the reverse order of their start. */
  stop(): Promise<void>;
  /** Cuts the links between two services, or two members, as a broken network would, until `heal()`. */
  partition(one: Member, other: Member): Promise<void>;
  /** Lets no byte through between the two, though their connections stay, until `heal()`. */
  hold(one: Member, other: Member): Promise<void>;
  /** Lets no byte through from `one` to `other`, until `heal()`. */
  oneWay(one: Member, other: Member): Promise<void>;
  /** Lets what the two send each other take so many milliseconds longer, each way, in order, until `heal()`. */
  delay(one: Member, other: Member, options: { ms: number }): Promise<void>;
  /** Loses what the two send each other so often (from 0 to 1), until `heal()`: a lossy link loses items, any other its connection. */
  drop(one: Member, other: Member, options: { ratio: number }): Promise<void>;
  /** Ends all partitions and other faults; what waited is sent. */
  heal(): Promise<void>;
  /** Ends the faults between two. */
  heal(one: Member, other: Member): Promise<void>;
  /** `await using deployment = new Deployment()`: stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a machine is reached by ssh; what is left out is as ssh itself has it (`~/.ssh/config`, the agent's keys), and programs are built for what the machine is. */
export interface SSHOptions {
  /** Who logs in. */
  user?: string;
  /** The port. */
  port?: number;
  /** The file of the key. */
  key?: string;
  /** A file of known hosts. */
  knownHosts?: string;
  /** What programs for it are built for: a target triple. */
  target?: string;
  /** `"musl"`, or the oldest glibc that they have to run with: `"2.17"`. */
  libc?: string;
  /** What builds them. */
  builder?: "cargo" | "zigbuild" | "cross";
  /** What keeps services up there; `"auto"` takes systemd where it is. */
  services?: "auto" | "systemd" | "plain";
  /** Whether no other machine can call it, as behind a firewall: services on it call all their peers. */
  closed?: boolean;
}

/** Which virtual machine of Google Cloud. */
export interface GCPOptions {
  /** The project. */
  project: string;
  /** The zone. */
  zone: string;
  /** The machine type. */
  type: string;
  /** The image: `debian-12`, `PROJECT/FAMILY` or `projects/…`; none: Debian. */
  image?: string;
  /** The size of its disk in GB; none: the image's. */
  disk?: number;
  /** Whether it is cheap, and may be taken away. */
  spot?: boolean;
  /** `NETWORK` or `NETWORK/SUBNETWORK`; none: `default`. */
  network?: string;
  /** Google deletes it after this time: `"8h"`. */
  ttl?: string;
  /** It stops when nobody was connected for so long: `"30m"`. */
  autostop?: string;
  /** Where it is reached: `"external"` (the default), or `"internal"` where the script runs within its network. */
  address?: "external" | "internal";
}

/** A place where services run. */
export class Machine {
  protected constructor();
  /** Its name in the deployment. */
  get name(): string;
  /** Stops all services on the machine and gives it up. */
  terminate(): Promise<void>;
}

/** This machine: `new Localhost(deployment)`, or `deployment.Localhost()`. */
export class Localhost extends Machine {
  constructor(deployment: Deployment, options?: { closed?: boolean });
}

/** A machine that is reached by ssh: `new SSHMachine(deployment, "host")`, or `deployment.SSHMachine("host")`. */
export class SSHMachine extends Machine {
  constructor(deployment: Deployment, host: string, options?: SSHOptions);
}

/** A virtual machine of Google Cloud: `new GCPMachine(deployment, { project, zone, type })`, or `deployment.GCPMachine({ … })`. */
export class GCPMachine extends Machine {
  constructor(deployment: Deployment, options: GCPOptions);
}

/** One running copy of a service. */
export class Member {
  protected constructor();
  /** The service's name. */
  get name(): string;
  /** The ports of the module's header. */
  get ports(): Ports;
  /** The address (`ip:port`) that peers see in items of addressed ports; none before it runs, and for commands. */
  get address(): string | null;
  /** Returns the lines it writes to standard output, from its start on. */
  stdout(): Stream<string>;
  /** Returns the lines it writes to standard error, from its start on. */
  stderr(): Stream<string>;
  /** Tells what peers need to reach each member: its address, and the ports of a command that its words name as `{port:NAME}`. */
  resolve(): Resolved[];
  /** Asks what it counts: one answer for each member that runs. */
  metrics(): Promise<Metrics[]>;
  /** Asks what it counts, as one flat row for each link: `console.table(await service.metricsRows())`. */
  metricsRows(): Promise<MetricsRow[]>;
  /** Waits until it is up, and its program connected to all it calls; `TimedOut` after `seconds` tells what is missing. */
  waitHealthy(options?: { seconds?: number }): Promise<void>;
  /** Starts it after it was stopped or has ended; who runs is left alone. */
  start(): Promise<void>;
  /** Stops it in order and starts it again, at the same address. */
  restart(): Promise<void>;
  /** Waits for its end; the exit code, or the negative number of the signal that ended it. */
  exitCode(): Promise<number>;
  /** Asks it to end in order and waits for the end. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** A program placed on a machine, `count` times. `service[0]` is its first member; the methods here mean all of them. */
export class Service extends Member implements Iterable<Member> {
  readonly [member: number]: Member;
  /** How many members it has. */
  get length(): number;
  /** Its members, in the order of their numbers. */
  get members(): Member[];
  /** Gives it another number of members; where it runs, at once. Between one member and several all are new: they have other names. */
  scale(count: number): Promise<void>;
  [Symbol.iterator](): IterableIterator<Member>;
}

/** The ports of a service: `service.ports.inbound`, or by name: `service.ports["inbound"]`. Any other name is an `UnknownPort`. */
export type Ports = Readonly<Record<string, Port>> & Iterable<Port>;

/** A port of a service, or of one of its members. */
export class Port {
  protected constructor();
  /** Its name in the module's header. */
  get name(): string;
  /** Which way items go; `listen` where a command names the port, and may do both. */
  get direction(): "input" | "output" | "listen";
  /** Links this output to an input, with the next `deploy()`; both may run already. */
  connect(other: Port, options?: LinkOptions): void;
  /** Takes a link away, with the next `deploy()`. An input that nothing else feeds is the script's own from then on. */
  disconnect(other: Port): void;
  /**
   * Has this port reached from outside once its service starts; before `deploy()`. Of a command: one that it names, as in `{port:http}`.
   *
   * `listen` is a port number, an IP address or both (`"0.0.0.0:8080"`). Without it a free port is taken, on this machine at the loopback
   * address and elsewhere at all of the machine's. `address` tells which.
   */
  expose(options?: { listen?: number | string }): void;
  /** Where this port is reached from outside, as `ADDRESS:PORT`; null unless it was exposed and its service was started. */
  get address(): string | null;
  /** Says that the script itself will send to this input, so that it needs no link. Before `deploy()`. */
  open(): void;
  /**
   * Sends an item to this input. The value is written as JSON and must fit the port's type.
   *
   * Sends that do not wait for one another (`Promise.all`) go together, in the order they were called; `sendAll` is quicker still.
   * The answer may be quicker than the script's next line: outputs of the same service that the script's text names are joined first.
   */
  send(value: Json): Promise<void>;
  /** Sends many items to this input, in order, as fast as the program takes them. */
  sendAll(values: Iterable<Json> | AsyncIterable<Json>): Promise<void>;
  /**
   * Returns the items that this output sends from now on, as JSON values; the first time, from the script's first `send` on.
   * An integer that a number cannot hold exactly is a `bigint`.
   */
  receive<T = any>(): Stream<T>;
}

/**
 * Items over time: `for await (const item of stream)`, or `await stream.item()` for the next one.
 *
 * Leaving a loop over it early and going on later loses nothing; `close()` ends it.
 */
export class Stream<T> implements AsyncIterable<T>, AsyncDisposable {
  protected constructor();
  [Symbol.asyncIterator](): { next(): Promise<IteratorResult<T, undefined>> };
  /** The next item, as loops take it. */
  next(): Promise<IteratorResult<T, undefined>>;
  /** The next item; at the end it is an error. */
  item(): Promise<T>;
  /** Ends the stream; nothing more comes. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The engine refused, or failed at, what the script asked for. */
export class HydroError extends Error {
  constructor(message: string, details?: { hint?: string; causes?: string[]; origin?: string; rendered?: string[] });
  /** The next step. */
  readonly hint: string | undefined;
  /** Why. */
  readonly causes: readonly string[];
  /** The line (`file:line`) of the user's text that it comes from. */
  readonly origin: string | undefined;
  /** Whole diagnostics, such as compiler errors at lines of an `.hf` file. */
  readonly rendered: readonly string[];
}

/** A service has no port of that name. */
export class UnknownPort extends HydroError {}

/** The service does not run: it was not deployed yet, was stopped, or has ended. */
export class NotRunning extends HydroError {}

/** A program refused an item that the script sent: it does not fit the port's type. The message names the field. */
export class ItemRefused extends HydroError {}

/** It took longer than the script allowed. */
export class TimedOut extends HydroError {}

/** This package and the engine speak different versions of the protocol. */
export class VersionMismatch extends HydroError {}

/** The engine has ended, and all services with it. */
export class EngineGone extends HydroError {}

/** Ctrl-C, or the engine's word that it is over, while the script waited for something. `finally` blocks run; what they ask for is done. */
export class Interrupted extends Error {}

/**
 * Something that happened. Which further fields are set depends on `kind`:
 *
 * - `started`: `name`, `pid`, `address`
 * - `exited`: `name`, `code` or `signal`, `expected` (whether somebody asked for it)
 * - `unhealthy` (it runs, but did not answer that it is well, and is ended): `name`, `failures` (in a row), `message` (what was waited for)
 * - `paused` (it ended and will be started again): `name`, `pause_ms`, `restarts` (in a row)
 * - `gave_up` (a supervisor bears no more restarts): `name`, `group`
 * - `released` (a deploy is done): `release`
 * - `warning`: `message`
 * - `missed` (the script read too slowly): `count`
 * - `stopped`: the deployment was stopped, nothing follows
 */
export interface Event {
  kind: "started" | "exited" | "unhealthy" | "paused" | "gave_up" | "released" | "warning" | "missed" | "stopped" | (string & {});
  /** Milliseconds since 1970. */
  ts: number;
  /** The member: `service`, or `service.N`. */
  name?: string;
  /** The service of the member. */
  service?: string;
  /** The member's number, where its service has several. */
  member?: number;
  pid?: number | null;
  address?: string | null;
  code?: number | null;
  signal?: number | null;
  expected?: boolean;
  failures?: number;
  pause_ms?: number;
  restarts?: number;
  group?: string;
  release?: number;
  message?: string;
  count?: number;
}

/** How a member is. */
export interface MemberState {
  name: string;
  service: string;
  machine: string;
  program: string;
  state: "new" | "up" | "paused" | "starting" | "stopping" | "down" | (string & {});
  pid: number | null;
  address: string | null;
  restarts: number;
  ended: string | null;
}

/** What peers need to reach a member: its address, and the ports of a command by their names in `{port:NAME}`. */
export interface Resolved {
  name: string;
  address: string | null;
  ports: Record<string, string>;
}

/** What a deploy would change of what runs: members that start, stop, start again or learn of other peers, and links as `from → to`. */
export interface Changes {
  start: string[];
  stop: string[];
  restart: { member: string; because: string[] }[];
  rewire: string[];
  link: string[];
  unlink: string[];
  supervision: boolean;
  /** What services are built for that will be started, or started again, where that is not this machine. */
  targets?: Record<string, string>;
}

/** How long it took until items were worked on; a bucket is a limit in seconds and how many samples are not above it. */
export interface Latency {
  buckets: [limit: number, count: number][];
  sum_seconds: number;
  count: number;
}

/** One link of a member. */
export interface LinkMetrics {
  port: string;
  direction: "input" | "output";
  peer: string | null;
  endpoint: string | null;
  connected: boolean;
  messages: number;
  bytes: number;
  resent: number;
  queue_bytes: number;
  queue_messages: number;
  in_flight_bytes: number;
  window_bytes: number;
  left_out: number;
  connections: number;
  reconnects: number;
  restarts: number;
  last_heard_seconds: number | null;
  latency: Latency;
}

/** One port of a member. */
export interface PortMetrics {
  port: string;
  dropped: number;
}

/** What a running program counts; docs/admin.md says what each number means. */
export interface Metrics {
  program: string;
  deployment: string;
  service: string;
  member: number;
  uptime_seconds: number;
  ticks: number;
  busy_seconds: number;
  tick_running_seconds: number;
  links: LinkMetrics[];
  ports: PortMetrics[];
}

/** One link, with what its member counts. A member without links has one row, without the fields of a link. */
export interface MetricsRow extends Omit<LinkMetrics, "latency"> {
  deployment: string;
  service: string;
  member: number;
  uptime_seconds: number;
  ticks: number;
  busy_seconds: number;
  latency_mean_seconds: number | null;
  latency_count: number;
}
