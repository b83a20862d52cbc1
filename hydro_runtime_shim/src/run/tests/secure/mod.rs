//! Links over TLS, with real sockets and real certificates.

mod authority;
mod items;
mod refusal;
mod renewal;

use authority::{Authority, Member, Validity};

const ANY: &str = "tls://127.0.0.1:0";

/// Returns the variable's value that dials the process.
fn link_of(process: &super::Process) -> String {
    format!("tls://{}", process.address())
}
