//! Deploys, wires and watches Hydroflow programs from JavaScript.
//!
//! Everything here is a thin client: each call is one message to the engine that `hydro run SCRIPT` started beside the script.
//! Read `Deployment` first.

export { Deployment } from "./lib/deployment.js";
export { HydroError, Interrupted, UnknownPort } from "./lib/error.js";
export { GCPMachine, Machine } from "./lib/machine.js";
export { Member, Port, Service } from "./lib/service.js";
export { Stream } from "./lib/stream.js";
