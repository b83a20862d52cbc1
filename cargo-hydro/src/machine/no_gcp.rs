//! What a command without Google Cloud says in place of it.
//!
//! The same face as the module `gcp` has with the feature, as far as deployments use it; each call says that there is none.

use std::net::IpAddr;

use super::{Admission, CloudRecord, NotReady, Up};
use crate::report::{ExitCode, Failure, Reporter};

/// The user that machines are entered as.
pub const USER: &str = "hydro";

/// Google, which is never found.
#[derive(Clone, Debug)]
pub struct Cloud(());

#[expect(clippy::unused_async, clippy::missing_errors_doc, reason = "the face of what is not there")]
impl Cloud {
    /// Says that there is none.
    pub async fn find() -> Result<Self, Failure> {
        Err(missing())
    }

    /// Says that there is none.
    pub async fn ready(&self, _: &CloudRecord, _: &str, _: &Reporter) -> Result<Up, NotReady> {
        Err(NotReady { failure: missing(), left: false })
    }

    /// Says that there is none.
    pub async fn let_us_in(&self, _: &CloudRecord, _: IpAddr) -> Result<(), Failure> {
        Err(missing())
    }

    /// Says that there is none.
    pub async fn let_peers_in(&self, _: &CloudRecord, _: &Admission) -> Result<(), Failure> {
        Err(missing())
    }

    /// Says that there is none.
    pub async fn let_everybody_in(&self, _: &CloudRecord, _: &Admission) -> Result<(), Failure> {
        Err(missing())
    }

    /// Says that there is none.
    pub async fn is_on(&self, _: &CloudRecord) -> Result<bool, Failure> {
        Err(missing())
    }

    /// Says that there is none.
    pub async fn remove(&self, _: &CloudRecord) -> Result<(), Failure> {
        Err(missing())
    }
}

fn missing() -> Failure {
    Failure::new(ExitCode::DeployFailed, "this cargo hydro was built without Google Cloud")
        .hint("`cargo install cargo-hydro --features gcp` builds one with it")
}
