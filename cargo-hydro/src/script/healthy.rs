//! Waiting until a service is well: all members run, and have found the peers they call.
//!
//! Read [`Live::wait_healthy`] first.

use std::time::Duration;

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Health};
use tokio::time::{sleep, timeout};

use super::live::Live;
use super::protocol::{ErrorBody, ErrorKind, OfService};
use crate::deploy::MemberStatus;
use crate::report::{ExitCode, Failure};
use crate::supervision::Standing;

/// How soon a program that is not ready yet is asked again; nobody tells when it is.
const AGAIN: Duration = Duration::from_millis(20);
/// Longer than anybody waits.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

impl Live {
    /// Waits until each member of a service is up, and its program connected to all it calls.
    pub(super) async fn wait_healthy(&self, of: &OfService, seconds: Option<f64>) -> Result<(), ErrorBody> {
        let name = self.member(of)?;
        let limit = seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        let mut ills = vec!["it was not asked yet".to_owned()];
        match timeout(limit.unwrap_or(FOREVER), self.until_well(&name, &mut ills)).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!("`{name}` is not healthy after {} s", limit.unwrap_or_default().as_secs_f64());
                let mut failure = Failure::new(ExitCode::DeployFailed, message);
                failure.causes = ills;
                Err(ErrorBody::from(failure).kind(ErrorKind::TimedOut))
            }
        }
    }

    async fn until_well(&self, name: &str, ills: &mut Vec<String>) -> Result<(), ErrorBody> {
        let mut changes = self.engine().changes();
        loop {
            let programs = self.running_programs();
            let mut found = Vec::new();
            for member in self.engine().members(name)? {
                found.extend(self.ills_of(&member, programs.contains(&member.name)).await?);
            }
            if found.is_empty() {
                return Ok(());
            }
            *ills = found;
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep(AGAIN) => {}
            }
        }
    }

    /// Returns why a member is not well; an error: it never will be.
    async fn ills_of(&self, member: &MemberStatus, is_program: bool) -> Result<Vec<String>, ErrorBody> {
        let MemberStatus { name, standing, exit, .. } = member;
        if let (Standing::Down, Some(exit)) = (standing, exit) {
            let message = format!("`{name}` {exit}, and is not started again");
            let failure = Failure::new(ExitCode::DeployFailed, message);
            let lines = self.engine().last_lines(name, 20).unwrap_or_default();
            let failure = if lines.is_empty() { failure } else { failure.cause(lines.join("\n")) };
            return Err(ErrorBody::from(failure).kind(ErrorKind::NotRunning));
        }
        if *standing != Standing::Up {
            return Ok(vec![format!("`{name}` is not up")]);
        }
        if !is_program {
            return Ok(Vec::new());
        }
        Ok(match self.engine().ask(name, &AdminRequest::Health {}).await.as_deref() {
            Ok([(_, AdminReply::Health(health))]) => missing(name, health),
            Ok(_) => vec![format!("`{name}` does not say how it is")],
            Err(failure) => vec![failure.to_string()],
        })
    }
}

fn missing(name: &str, health: &Health) -> Vec<String> {
    if health.ready {
        return Vec::new();
    }
    let mut ills: Vec<String> = health
        .missing
        .iter()
        .map(|missing| format!("`{name}.{}` is not connected to {}", missing.port, missing.endpoint))
        .collect();
    if ills.is_empty() {
        ills.push(format!("`{name}` is on its way out"));
    }
    ills
}
