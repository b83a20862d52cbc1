//! What a command without Google Cloud says in place of it.
//!
//! The same face as the module `gcp` has with the feature, as far as deployments use it; each call says that there is none.

use std::net::IpAddr;

use super::CloudRecord;
use crate::report::{ExitCode, Failure, Reporter};

/// The user that machines are entered as.
pub const USER: &str = "hydro";

/// Google, which is never found.
#[derive(Clone, Debug)]
pub struct Cloud(());

/// A machine that is up.
#[derive(Clone, Debug)]
pub struct Up {
    /// Where it is reached from here.
    pub address: IpAddr,
    /// Its address within its network.
    pub internal: Option<IpAddr>,
    /// Its host keys.
    pub host_keys: Vec<String>,
    /// Whether there was none before.
    pub is_new: bool,
}

/// Why a machine is not up.
#[derive(Clone, Debug)]
pub struct NotReady {
    /// What went wrong.
    pub failure: Failure,
    /// Whether something may have been made all the same.
    pub left: bool,
}

/// Who may come to a machine, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Ports.
    pub ports: Vec<u16>,
    /// Machines of the same network.
    pub machines: Vec<String>,
    /// Others.
    pub addresses: Vec<IpAddr>,
    /// Whoever wishes.
    pub everybody: bool,
}

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
