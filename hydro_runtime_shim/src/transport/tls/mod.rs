//! TLS 1.3 as a socket: TCP whose bytes are encrypted, between two ends that both prove who they are.
//!
//! Read [`TlsStream`] first; `verify` tells whom we believe, [`Credentials`] what we are believed for. Who may have which link is `link`'s affair.

mod credentials;
mod machine;
mod shake;
mod stream;
#[cfg(test)]
mod tests;
mod verify;
mod words;

pub(crate) use credentials::{CredentialFiles, Credentials};
pub(crate) use shake::{accept, connect};
pub(crate) use stream::TlsStream;
