//! Deploys, wires and watches Hydroflow programs from JavaScript.
//!
//! Everything here is a thin client: each call is one message to the engine that runs beside the script, started by `hydro run SCRIPT` or by this package.
//! Read `Deployment` first.

import "./lib/alone.js";

export { Deployment } from "./lib/deployment.js";
export { EngineGone, HydroError, Interrupted, ItemRefused, NotRunning, TimedOut, UnknownPort, VersionMismatch } from "./lib/error.js";
export { GCPMachine, Localhost, Machine, SSHMachine } from "./lib/machine.js";
export { Member, Port, Service } from "./lib/service.js";
export { Stream } from "./lib/stream.js";
