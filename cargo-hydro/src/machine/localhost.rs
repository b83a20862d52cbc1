//! This machine: members are child processes, their sockets are bound here and handed over.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::{MachineError, Member, MemberSpec, Pipes};
use crate::report::Reporter;
use crate::sys::{Launch, Process, SpawnError, Stdio};

/// Variables of ours that would say something to a member that was never meant for it: the contract's and systemd's.
const HIDDEN_ENV: [&str; 2] = ["HYDRO_", "LISTEN_"];

pub(super) fn listen(address: Option<SocketAddr>) -> Result<TcpListener, MachineError> {
    let address = address.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => MachineError::AddressInUse { address },
        _ => MachineError::Listen { address, source },
    })
}

pub(super) fn start(mut spec: MemberSpec, reporter: &Reporter) -> Result<Member, SpawnError> {
    let launch = Launch {
        program: spec.program.clone(),
        args: spec.args.iter().map(Into::into).collect(),
        env: spec.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        hidden_env: HIDDEN_ENV.to_vec(),
        directory: Some(spec.directory.clone()),
        listeners: std::mem::take(&mut spec.listeners),
        stdio: Stdio::Piped,
        is_fed: spec.pipes.as_ref().is_some_and(Pipes::takes),
    };
    let process = Process::spawn(launch)?;
    Ok(Member::supervised(spec, process, reporter))
}
