//! The words between a script and the engine: JSON lines over a private Unix socket.
//!
//! The script sends requests, `{"id":1,"method":"service.stop","params":{…}}`. Each gets one reply, `{"id":1,"result":…}` or
//! `{"id":1,"error":{…}}`; a stream sends `{"id":1,"item":…}` before that. Fields that are not known are left alone by both sides, so either
//! may be newer. Read [`Call`] first. Knows nothing of sockets and engines.

mod fault;
mod happening;
mod hook;
mod machine;
mod reply;
mod request;

pub use fault::{Fault, Heal, Partition, SetFault};
pub use happening::{Happening, What};
pub use hook::{HookCall, HookDone, HookError, HookExit, HookWait};
pub use machine::{GcpOptions, Kind};
pub use reply::{
    Answer, Body, CAPABILITIES, DeploymentMade, ErrorBody, ErrorKind, Joined, MachineMade, MemberState, OriginBody,
    PROTOCOL, PortInfo, Reply, Resolved, ServiceMade, Welcome,
};
pub use request::{
    AddCommand, AddHydroflow, AddMachine, Call, Cancel, Connect, CreateDeployment, Disconnect, End, Expose, FromToml,
    Hello, InDeployment, Limits, Line, Logs, More, OfPort, OfService, OnMachine, Place, Receive, Request, Scale, Send,
    WaitHealthy, read_request,
};

#[cfg(test)]
mod tests;
