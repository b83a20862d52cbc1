//! What a member is given before it starts: listening sockets, free ports, a folder for its data.
//!
//! A program inherits its sockets, so nobody can take them in between. A command binds its ports itself: they are held until the moment it starts.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use hydro_host::words::Bind;

use super::machines::anywhere;
use super::model::{Exposure, Program, Service, member_name};
use super::placeholders::{Own, Owns, own_ports};
use super::plan::Address;
use super::start::{Starting, failure};
use crate::machine::{MachineError, Place, SshError, SshMachine};
use crate::report::{ExitCode, Failure};

/// Where members keep their data, below the workspace's root.
const DATA: &str = ".hydro/data";

/// What was made for members, by service and number.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) sockets: BTreeMap<(String, u32), (Vec<OwnedFd>, Address)>,
    pub(super) owns: Owns,
    /// Admin sockets of members on other machines.
    pub(super) admins: BTreeMap<(String, u32), Admin>,
    /// Where standard inputs are called that were not called before.
    pub(super) stdins: BTreeMap<(String, u32), PathBuf>,
    /// Ports that nobody else can take until they are let go.
    pub(super) held: BTreeMap<(String, u32), Vec<TcpListener>>,
}

/// Where the admin socket is of a member on another machine.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    /// On that machine.
    pub(super) there: String,
    /// The socket here that leads to it.
    pub(super) here: PathBuf,
}

impl Starting<'_> {
    /// Binds the sockets of each new member of a Hydroflow service, and finds the ports that commands ask for; all problems are told.
    pub(super) async fn bind(&self) -> Result<Bound, Vec<Failure>> {
        let (mut bound, mut problems) = (Bound::default(), Vec::new());
        for (name, service) in self.new_services() {
            for member in self.running_of(name)..service.count {
                let result = match self.place(service) {
                    Place::Ssh(machine) => self.bind_there(&machine, (name, service, member), &mut bound).await,
                    Place::Localhost => self.bind_here((name, service, member), &mut bound),
                };
                problems.extend(result.err());
            }
        }
        for name in self.deployment.services.keys().filter(|name| self.deployment.is_fed(name)) {
            let path = self.sockets.next("stdin").map_err(|error| vec![no_socket(name, error)])?;
            bound.stdins.insert((name.clone(), 0), path);
        }
        if problems.is_empty() { Ok(bound) } else { Err(problems) }
    }

    fn bind_here(&self, (name, service, member): (&str, &Service, u32), bound: &mut Bound) -> Result<(), Failure> {
        let key = (name.to_owned(), member);
        let (own, held) = self.reserve(name, service, member)?;
        bound.owns.insert(key.clone(), own);
        bound.held.insert(key.clone(), held);
        if matches!(service.program, Program::Command { .. }) {
            return Ok(());
        }
        let whole_name = member_name(name, member, service.count);
        // Peers on other machines cannot call the loopback address.
        let seen = self.machines.our_address().filter(|_| self.deployment.has_far_peers(name));
        let fixed = fixed(service).or_else(|| seen.map(|_| anywhere(0)));
        let listener = Place::listen(fixed).map_err(|error| cannot_listen(service, &whole_name, &error))?;
        let address = listener.local_addr().map_err(|source| {
            let address = fixed.unwrap_or_else(|| anywhere(0));
            cannot_listen(service, &whole_name, &MachineError::Listen { address, source })
        })?;
        let (unix, path) = self.listen_here(&whole_name)?;
        let mut address = Address::of(address).with_socket(path);
        if address.listen.ip().is_unspecified() {
            address = address.seen_as(seen);
        }
        let mut sockets = vec![listener.into(), unix.into()];
        for (port, exposure) in &service.exposed {
            let (listener, at) = self.expose_here(service, &format!("{whole_name}.{port}"), exposure)?;
            address.exposed.insert(port.clone(), at);
            sockets.push(listener.into());
        }
        bound.sockets.insert(key, (sockets, address));
        Ok(())
    }

    /// Has the sockets bound on the member's own machine; what is needed of them here is made reachable.
    async fn bind_there(
        &self,
        machine: &SshMachine,
        (name, service, member): (&str, &Service, u32),
        bound: &mut Bound,
    ) -> Result<(), Failure> {
        let whole_name = member_name(name, member, service.count);
        let is_program = matches!(service.program, Program::Hydroflow { .. });
        let listen = is_program.then(|| fixed(service).unwrap_or_else(|| anywhere(0)));
        let ports = own_ports(service).into_iter().collect();
        let exposed = service.exposed.iter().map(|(port, exposure)| (port.clone(), exposure.listen(false))).collect();
        let refused = |error: SshError| cannot_listen(service, &whole_name, &MachineError::Far(error));
        let made = machine.bind(Bind { member: whole_name.clone(), listen, ports, exposed }).await.map_err(refused)?;
        let key = (name.to_owned(), member);
        let data = format!("{}/{DATA}/{}/{whole_name}", machine.probe().home, self.deployment.name);
        let (host, outside, data) = (machine.address(), machine.outside(), data.into());
        let exposed = made.exposed.clone();
        bound.owns.insert(key.clone(), Own { ports: made.ports, outside, exposed, data, host, stdin: None });
        if let (Some(listen), Some(socket)) = (made.address, made.socket) {
            let near = machine.reach(&socket).await.map_err(refused)?;
            let address = Address::of(listen).with_socket(socket).seen_as(machine.address());
            let address = Address { near: Some(near), exposed: made.exposed, ..address };
            bound.sockets.insert(key.clone(), (Vec::new(), address));
            let here = machine.reach(&made.admin).await.map_err(refused)?;
            bound.admins.insert(key, Admin { there: made.admin, here });
        }
        Ok(())
    }

    /// Binds what an exposed port is reached at.
    fn expose_here(
        &self,
        service: &Service,
        port: &str,
        exposure: &Exposure,
    ) -> Result<(TcpListener, SocketAddr), Failure> {
        let wished = exposure.listen(true);
        let bound = Place::listen(Some(wished)).and_then(|listener| {
            let found = listener.local_addr().map_err(|source| MachineError::Listen { address: wished, source })?;
            Ok((listener, found))
        });
        bound.map_err(|error| {
            let mut failure = cannot_listen(service, port, &error);
            failure.origin = exposure.origin.clone().or(failure.origin);
            failure
        })
    }

    /// Binds the Unix socket at which a program listens beside its address.
    fn listen_here(&self, member: &str) -> Result<(UnixListener, PathBuf), Failure> {
        let bound = self.sockets.next("sock").and_then(|path| Ok((UnixListener::bind(&path)?, path)));
        bound.map_err(|error| no_socket(member, error))
    }

    /// Finds the ports that a member asks for.
    fn reserve(&self, name: &str, service: &Service, member: u32) -> Result<(Own, Vec<TcpListener>), Failure> {
        let whole_name = member_name(name, member, service.count);
        let data = self.options.workspace.root().join(DATA).join(&self.deployment.name).join(&whole_name);
        let mut own = Own { data, ..Own::default() };
        let mut held = Vec::new();
        let is_command = matches!(service.program, Program::Command { .. });
        for port in own_ports(service) {
            if let Some(exposure) = service.exposed.get(&port).filter(|_| is_command) {
                let (socket, address) = self.expose_here(service, &format!("{whole_name}.{port}"), exposure)?;
                own.ports.insert(port.clone(), address.port());
                own.exposed.insert(port, address);
                held.push(socket);
                continue;
            }
            let bound =
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| Ok((socket.local_addr()?, socket)));
            let (address, socket) = bound.map_err(|error| {
                let mut failure =
                    Failure::new(ExitCode::DeployFailed, format!("there is no free port for `{whole_name}`"));
                failure.origin = service.origin.clone();
                failure.cause(error).hint("end programs that hold many ports")
            })?;
            own.ports.insert(port, address.port());
            held.push(socket);
        }
        Ok((own, held))
    }
}

fn fixed(service: &Service) -> Option<SocketAddr> {
    service.listen.as_ref().and_then(|listen| listen.parse().ok())
}

fn cannot_listen(service: &Service, name: &str, error: &MachineError) -> Failure {
    let failure = failure(service, &format!("`{name}` cannot listen"), error);
    match error {
        MachineError::AddressInUse { .. } => {
            failure.hint("stop the program that listens there, or leave out `listen` to have a free address chosen")
        }
        MachineError::Far(error) => failure.hint(error.hint.clone()),
        _ => failure.hint("write an address of this machine in `listen`, or leave it out"),
    }
}

pub(super) fn no_socket(member: &str, error: io::Error) -> Failure {
    let message = format!("cannot make a Unix socket for `{member}`");
    let hint = "the temp folder must be writable, and able to hold sockets";
    Failure::new(ExitCode::DeployFailed, message).cause(error).hint(hint)
}
