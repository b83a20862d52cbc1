//! Links: connections that carry one port's items one way. An input is a `Stream`, an output is a `Sink`, and neither ever waits in a tick.
//!
//! Knows neither the environment nor the dataflow's insides; what makes a link reliable is `protocol`'s. Read [`Node`] (what all ports of a
//! process share), then `Queue` (an outgoing link) and `Incoming` (an incoming one), then [`Input`] and [`PlainOutput`].

use std::time::Duration;

mod accept;
mod acknowledge;
mod ahead;
mod batch;
mod calls;
mod dial;
mod faults;
mod frame_buffer;
#[cfg(fuzzing)]
mod fuzzed;
mod gate;
mod hand;
mod handshake;
mod incoming;
mod input;
mod input_hub;
mod lines;
mod meter;
mod node;
mod note;
mod output_hub;
mod outputs;
mod peer;
mod peers;
mod queue;
mod readiness;
mod shutdown;
mod stdio;
mod tag;
mod wire;
mod writer;

pub use peer::MemberId;
pub use peers::{PeerChange, PeerEvent, ThisProcess, peers, this_process};

pub(crate) use accept::{Served, serve};
pub(crate) use acknowledge::acknowledge;
pub(crate) use calls::Calls;
#[cfg(fuzzing)]
pub(crate) use fuzzed::{arrive_for_fuzzing, send_for_fuzzing, welcome_for_fuzzing};
pub(crate) use gate::Gate;
pub(crate) use input::Input;
pub(crate) use input_hub::InputHub;
pub(crate) use meter::Meters;
pub(crate) use node::{LinkEnd, Node, PortFace, PortHub, now_nanos};
pub(crate) use note::{label, note};
pub(crate) use output_hub::{OutputHub, sweep};
pub(crate) use outputs::{AddressedOutput, PlainOutput};
pub(crate) use peer::ProcessId;
pub(crate) use peers::be;
pub(crate) use shutdown::leave;
pub(crate) use stdio::{Copying, attach_stdio};
pub(crate) use tag::{Plain, WithAddress, WithMember};

/// How often both ends of a link show that they live.
const PULSE: Duration = Duration::from_secs(1);
/// A peer that shows nothing for this long is taken for unreachable.
const SILENCE: Duration = Duration::from_secs(3);
