//! Links: connections that carry one port's items one way. An input is a `Stream`, an output is a `Sink`, and neither ever waits in a tick.
//!
//! Knows neither the environment nor the dataflow's insides. Read [`Node`] (what all ports of a process share), then [`Queue`] (one
//! outgoing connection), then [`Input`] and [`PlainOutput`].

mod accept;
mod dial;
mod frame_buffer;
mod gate;
mod handshake;
mod input;
mod input_hub;
mod node;
mod note;
mod output_hub;
mod outputs;
mod peer;
mod queue;
mod readiness;
mod shutdown;
mod writer;

pub use peer::MemberId;

pub(crate) use accept::serve;
pub(crate) use dial::{dial_input, dial_output};
pub(crate) use gate::Gate;
pub(crate) use input::{Input, Plain, WithAddress, WithMember};
pub(crate) use input_hub::InputHub;
pub(crate) use node::{Node, PortFace, PortHub};
pub(crate) use note::note;
pub(crate) use output_hub::OutputHub;
pub(crate) use outputs::{AddressedOutput, PlainOutput};
pub(crate) use peer::ProcessId;
pub(crate) use shutdown::leave;
