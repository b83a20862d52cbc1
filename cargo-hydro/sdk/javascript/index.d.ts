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
  /** Adds this machine. */
  Localhost(): Machine;
  /** Adds a virtual machine of Google Cloud. */
  GCPMachine(options: { project: string; zone: string; type: string }): GCPMachine;
  /** Adds a service that runs an `.hf` file. Without `on` it runs on this machine. */
  Hydroflow(options: HydroflowOptions): Service;
  /** Adds a service that runs any executable: `Command("redis-server", "--port", "0", { name: "redis" })`, or the same words in a list. */
  Command(...words: [...(Word | readonly Word[])[], PlaceOptions | Word | readonly Word[]]): Service;
  /** Builds what has to be built, starts what does not run yet, and waits until it runs. */
  deploy(): Promise<void>;
  /** Stops all services, in the reverse order of their start. */
  stop(): Promise<void>;
  /** Cuts the links between two services, or two members, as a broken network would, until `heal()`. */
  partition(one: Member, other: Member): Promise<void>;
  /** Ends all partitions and other faults; what waited is sent. */
  heal(): Promise<void>;
  /** `await using deployment = new Deployment()`: stops it at the end of the block. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A place where services run. Made by a deployment: `deployment.Localhost()`. */
export class Machine {
  protected constructor();
  /** Its name in the deployment. */
  get name(): string;
  /** Stops all services on the machine and gives it up. */
  terminate(): Promise<void>;
}

/** A virtual machine of Google Cloud. Made by a deployment: `deployment.GCPMachine({ project, zone, type })`. */
export class GCPMachine extends Machine {}

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
  /** Asks what it counts: one answer for each member that runs. */
  metrics(): Promise<Metrics[]>;
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
  [Symbol.iterator](): IterableIterator<Member>;
}

/** The ports of a service: `service.ports.inbound`, or by name: `service.ports["inbound"]`. Any other name is an `UnknownPort`. */
export type Ports = Readonly<Record<string, Port>> & Iterable<Port>;

/** A port of a service, or of one of its members. */
export class Port {
  protected constructor();
  /** Its name in the module's header. */
  get name(): string;
  /** Which way items go. */
  get direction(): "input" | "output";
  /** Links this output to an input. */
  connect(other: Port, options?: LinkOptions): void;
  /** Says that the script itself will send to this input, so that it needs no link. Before `deploy()`. */
  open(): void;
  /**
   * Sends an item to this input. The value is written as JSON and must fit the port's type.
   *
   * The answer may be quicker than the script's next line: outputs of the same service that the script's text names are joined first.
   */
  send(value: Json): Promise<void>;
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

/** Ctrl-C, or the engine's word that it is over, while the script waited for something. `finally` blocks run; what they ask for is done. */
export class Interrupted extends Error {}

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
