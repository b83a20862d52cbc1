//! Who is started again when something ends: Erlang/OTP's supervisors as one state machine, without processes, sockets or a clock.
//!
//! [`Group`] says what is wished for, [`Supervision`] says what to do next. Two things are ours: a pause that grows from restart to
//! restart ([`Backoff`]), and members that a user has stopped stay stopped. Everything else is what OTP's manual says; `otp` holds both side by side.

mod backoff;
mod machine;
#[cfg(test)]
pub(crate) mod otp;
mod restart;
mod tree;

pub use backoff::Backoff;
pub use machine::{Action, End, Standing, Supervision};
pub use tree::{AutoShutdown, Child, Group, Intensity, Restart, Shutdown, Strategy, Work};
