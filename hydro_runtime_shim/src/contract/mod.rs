//! The contract between a built program and whoever starts it: environment variables, descriptions, the link handshake.
//!
//! The single definition of these words. It depends on serde alone and knows neither sockets nor the dataflow, so that the
//! deployer can use it without the runtime. Read [`Endpoint`] first, then [`ProgramDescription`], then [`Hello`].

mod admin;
mod colocated;
mod describe;
mod endpoint;
mod frame;
mod handshake;
mod identity;
mod prometheus;
mod variables;

pub use admin::{
    ADMIN_LINE_BYTES, AdminReply, AdminRequest, Fault, FaultKind, Health, Latency, LinkReport, Metrics, Missing,
    PeerReport, PortReport, Way,
};
pub use colocated::Colocated;
pub use describe::{Addressing, Direction, ParamDescription, PortDescription, ProgramDescription};
pub use endpoint::{Delivery, Endpoint, EndpointError, Policy, Role, Transport, parse_endpoints};
pub use frame::{Codec, FRAME_HEADER_BYTES, FrameHeader, FrameKind, MAX_FRAME_BYTES, MAX_RECORD_BYTES};
pub use handshake::{
    Answer, Expectation, Grant, HELLO_LIMIT_BYTES, Hello, MAGIC, Offer, PREAMBLE_BYTES, PROTOCOL_VERSION, Reject,
    RejectCode, fingerprint, parse_preamble, preamble,
};
pub use identity::{identity_of, identity_prefix};
pub use variables::{
    ADDRESS, ADMIN, COLOCATED, CONTRACT_VERSION, DEPLOYMENT, LISTEN_FDS, MEMBER, MEMBERS, POLL, SERVICE, TLS_CA,
    TLS_CERT, TLS_KEY, Waiting, delivery_variable, input_variable, output_variable, param_variable, policy_variable,
};
