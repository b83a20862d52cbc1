//! What a member is given before it starts: listening sockets, free ports, a folder for its data.
//!
//! A program inherits its sockets, so nobody can take them in between. A command binds its ports itself: they are held until the moment it starts.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use super::model::{Program, Service, member_name};
use super::placeholders::{Own, Owns, own_ports};
use super::plan::Address;
use super::start::{Starting, failure};
use crate::machine::MachineError;
use crate::report::{ExitCode, Failure};

/// Where members keep their data, below the workspace's root.
const DATA: &str = ".hydro/data";

/// What was made for members, by service and number.
#[derive(Debug, Default)]
pub(super) struct Bound {
    pub(super) sockets: BTreeMap<(String, u32), (Vec<OwnedFd>, Address)>,
    pub(super) owns: Owns,
    /// Ports that nobody else can take until they are let go.
    pub(super) held: BTreeMap<(String, u32), Vec<TcpListener>>,
}

impl Starting<'_> {
    /// Binds the sockets of each new member of a Hydroflow service, and finds the ports that commands ask for; all problems are told.
    pub(super) fn bind(&self) -> Result<Bound, Vec<Failure>> {
        let (mut bound, mut problems) = (Bound::default(), Vec::new());
        for (service_name, service) in self.new_services() {
            for member in self.running_of(service_name)..service.count {
                match self.reserve(service_name, service, member) {
                    Ok((own, held)) => {
                        bound.owns.insert((service_name.clone(), member), own);
                        bound.held.insert((service_name.clone(), member), held);
                    }
                    Err(failure) => problems.push(failure),
                }
            }
            if matches!(service.program, Program::Command { .. }) {
                continue;
            }
            let fixed = service.listen.as_ref().and_then(|listen| listen.parse::<SocketAddr>().ok());
            for member in self.running_of(service_name)..service.count {
                let name = member_name(service_name, member, service.count);
                let socket = self.place(service).listen(fixed).and_then(|listener| {
                    let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
                    let address = listener
                        .local_addr()
                        .map_err(|source| MachineError::Listen { address: fixed.unwrap_or(unknown), source })?;
                    Ok((listener, Address::of(address)))
                });
                match socket {
                    Ok((listener, address)) => {
                        let (unix, path) = self.listen_here(&name).map_err(|failure| vec![failure])?;
                        let both = (vec![listener.into(), unix.into()], address.with_socket(path));
                        bound.sockets.insert((service_name.clone(), member), both);
                    }
                    Err(error) => {
                        let hint = match error {
                            MachineError::AddressInUse { .. } => {
                                "stop the program that listens there, or leave out `listen` to have a free address chosen"
                            }
                            _ => "write an address of this machine in `listen`, or leave it out",
                        };
                        problems.push(failure(service, &format!("`{name}` cannot listen"), &error).hint(hint));
                    }
                }
            }
        }
        if problems.is_empty() { Ok(bound) } else { Err(problems) }
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
        let mut own = Own { ports: BTreeMap::new(), data };
        let mut held = Vec::new();
        for port in own_ports(service) {
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

pub(super) fn no_socket(member: &str, error: io::Error) -> Failure {
    let message = format!("cannot make a Unix socket for `{member}`");
    let hint = "the temp folder must be writable, and able to hold sockets";
    Failure::new(ExitCode::DeployFailed, message).cause(error).hint(hint)
}
