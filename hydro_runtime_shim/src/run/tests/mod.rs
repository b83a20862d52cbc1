//! Whole programs in one process, linked over real sockets: what a user sees of order, routing, waiting and leaving.

mod breaking;
mod colocated;
mod flood;
mod leaving;
mod lines;
mod order;
mod process;
mod refusal;
mod routing;
mod secure;

pub(crate) use process::{
    Process, input, link_of, local, output, raw_hello, read_answer, receiver_at, restarted, soon,
};
