//! How a deployment looks to its script: members and their states, services and links as a drawing, addresses, what a deploy would change.
//!
//! Changes nothing. Read [`Live::status`] first.

use std::net::{Ipv4Addr, SocketAddr};

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Metrics};
use hydroflow_standalone::draw;

use super::live::Live;
use super::protocol::{MemberState, OfService, Resolved};
use crate::daemon::MemberReport;
use crate::deploy::draw::scene;
use crate::deploy::{Changes, Program, Service};
use crate::report::Failure;

impl Live {
    /// Returns how each member is; those that were not deployed yet are `new`.
    pub(super) fn status(&self) -> Vec<MemberState> {
        let started = self.engine().status();
        let of_service = |(name, service): (&String, &Service)| {
            let new = |member: String| MemberState {
                name: member,
                service: name.clone(),
                machine: service.machine.clone(),
                program: program(service),
                state: "new",
                pid: None,
                address: None,
                restarts: 0,
                ended: None,
            };
            let mut states: Vec<MemberState> = Vec::new();
            for member in started.iter().filter(|member| member.service == *name) {
                states.push(MemberState {
                    state: MemberReport::state(member.standing),
                    pid: Some(member.pid).filter(|_| member.exit.is_none()),
                    address: member.address.map(|address| address.to_string()),
                    restarts: member.restarts,
                    ended: member.exit.map(|exit| exit.to_string()),
                    ..new(member.name.clone())
                });
            }
            if states.is_empty() {
                states.extend(service.members(name).map(new));
            }
            states
        };
        self.wishes(|wishes| wishes.services.iter().flat_map(of_service).collect())
    }

    /// Draws services and links.
    pub(super) fn graph(&self) -> String {
        draw::svg(&scene(&self.engine().deployment()))
    }

    /// Returns what peers need to reach each member.
    pub(super) fn resolve(&self, of: &OfService) -> Result<Vec<Resolved>, Failure> {
        let members = self.engine().members(&self.member(of)?)?;
        Ok(members
            .into_iter()
            .map(|member| {
                let host = member.address.map_or(Ipv4Addr::LOCALHOST.into(), |address| address.ip());
                let ports = self.engine().named_ports(&member.name).into_iter();
                Resolved {
                    address: member.address.map(|address| address.to_string()),
                    ports: ports.map(|(name, port)| (name, SocketAddr::new(host, port).to_string())).collect(),
                    name: member.name,
                }
            })
            .collect())
    }

    /// Asks all running programs for what they count.
    pub(super) async fn all_metrics(&self) -> Result<Vec<Metrics>, Failure> {
        let mut all = Vec::new();
        for member in self.running_programs() {
            for (_, reply) in self.engine().ask(&member, &AdminRequest::Metrics {}).await? {
                if let AdminReply::Metrics(metrics) = reply {
                    all.push(metrics);
                }
            }
        }
        Ok(all)
    }

    /// Tells what a deploy would change.
    pub(super) async fn plan(&self) -> Result<Changes, Failure> {
        let (deployment, options) = (self.engine().deployment(), self.engine().options());
        self.engine().plan(deployment, options).await.map_err(super::live::as_one)
    }
}

fn program(service: &Service) -> String {
    match &service.program {
        Program::Hydroflow { source, .. } => source.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Program::Command { argv } => argv.join(" "),
    }
}
