//! Faults between services: what a script wishes, as requests to both programs' admin sockets.
//!
//! Read [`Live::fault`] first.

use hydro_runtime_shim::contract::{AdminRequest, Way};

use super::error::CallError;
use super::live::Live;
use super::protocol::{Fault, Heal, OfService, SetFault};
use crate::deploy::Program;
use crate::report::Failure;

impl Live {
    /// Puts a fault between two services or members, at both ends.
    pub(super) async fn fault(&self, call: &SetFault) -> Result<(), Failure> {
        let SetFault { one, other, fault } = call;
        let ends = [(one, other, Way::Out), (other, one, Way::In)];
        for (here, there, blocks) in ends {
            self.engine().ask(&self.member(here)?, &request(*fault, there, blocks)).await?;
        }
        Ok(())
    }

    /// Ends all faults, or those between two services.
    pub(super) async fn heal(&self, call: &Heal) -> Result<(), Failure> {
        let (Some(one), Some(other)) = (&call.one, &call.other) else { return self.heal_all().await };
        for (here, there) in [(one, other), (other, one)] {
            let request = AdminRequest::Heal { peer: Some(peer(there)), port: None };
            self.engine().ask(&self.member(here)?, &request).await?;
        }
        Ok(())
    }

    async fn heal_all(&self) -> Result<(), Failure> {
        for member in self.running_programs() {
            self.engine().ask(&member, &AdminRequest::Heal { peer: None, port: None }).await?;
        }
        Ok(())
    }

    /// Returns the members that can be asked.
    pub(super) fn running_programs(&self) -> Vec<String> {
        let is_program = |service: &crate::deploy::Service| matches!(service.program, Program::Hydroflow { .. });
        let programs: Vec<String> = self.wishes(|wishes| {
            wishes.services.iter().filter(|(_, service)| is_program(service)).map(|(name, _)| name.clone()).collect()
        });
        let running = self.engine().status().into_iter().filter(|member| member.exit.is_none());
        running.filter(|member| programs.contains(&member.service)).map(|member| member.name).collect()
    }
}

fn peer(of: &OfService) -> String {
    of.member.map_or_else(|| of.service.clone(), |member| format!("{}.{member}", of.service))
}

fn request(fault: Fault, there: &OfService, blocks: Way) -> AdminRequest {
    let (peer, port) = (Some(peer(there)), None);
    match fault {
        Fault::Partition => AdminRequest::Partition { peer, port },
        Fault::Hold => AdminRequest::Hold { peer, port },
        Fault::OneWay => AdminRequest::OneWay { blocks, peer, port },
        Fault::Delay { ms } => AdminRequest::Delay { ms, peer, port },
        Fault::Drop { ratio } => AdminRequest::Drop { ratio, peer, port },
    }
}

/// Both ends must be of one deployment.
pub(super) fn one_deployment<'a>(one: &'a OfService, other: &'a OfService) -> Result<usize, CallError> {
    match one.deployment == other.deployment {
        true => Ok(one.deployment),
        false => Err(CallError::TwoDeployments { from: one.service.clone(), to: other.service.clone() }),
    }
}
