//! What every generated Hydroflow program is linked with: it turns environment variables into linked ports and runs the dataflow.
//!
//! The rooms, from the outside in:
//! - [`contract`]: the words a program shares with whoever starts it (serde only; all there is without the feature `runtime`);
//! - `bind`: command line and environment → bindings; `--help` and `--describe`;
//! - `transport`: TCP, Unix sockets and shared memory as streams of bytes;
//! - `codec`: records as bytes;
//! - `protocol`: what makes a link reliable, as state machines without sockets; public for those who check it, not for programs;
//! - `link`: handshake, frames, queues; an input is a `Stream`, an output is a `Sink`;
//! - `admin`: how the program is, and what it is asked for while it runs;
//! - `run`: the run loop and the way out;
//! - `private`: what generated code names; `demux_enum` is the part of the dataflow runtime that it has only together with its own macros.
//!
//! It knows neither the language nor the command: a built program runs under a shell, systemd or a container alike.

pub mod contract;

#[cfg(feature = "runtime")]
mod admin;
#[cfg(feature = "runtime")]
mod bind;
#[cfg(feature = "runtime")]
mod codec;
#[cfg(feature = "runtime")]
mod demux_enum;
#[cfg(all(feature = "runtime", fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "runtime")]
mod link;
#[cfg(feature = "runtime")]
#[doc(hidden)]
pub mod protocol;
#[cfg(feature = "runtime")]
mod run;
#[cfg(feature = "runtime")]
mod transport;

#[cfg(feature = "runtime")]
#[doc(hidden)]
pub mod private;

#[cfg(feature = "runtime")]
pub use bind::BindError;
#[cfg(feature = "runtime")]
pub use hydro_runtime_shim_macros::DemuxEnum;
#[cfg(feature = "runtime")]
pub use link::{MemberId, PeerChange, PeerEvent, ThisProcess, peers, this_process};
