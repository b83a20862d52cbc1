//! The sockets of members: bound once, kept over restarts, handed over at each start.
//!
//! Knows nothing of processes.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::notify;
use crate::words::{Bind, Bound};

/// Handed-over sockets have the numbers 3 and 4 in the child; here they have others, so that the copies there stay open.
pub(crate) const LOWEST: i32 = 16;
/// How long an address may be in use that was had before.
const RELEASE_TIME: Duration = Duration::from_secs(2);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// What a member has while it is known.
#[derive(Debug, Default)]
pub(crate) struct Sockets {
    pub(crate) bound: Bound,
    pub(crate) listeners: Vec<OwnedFd>,
    /// Ports that nobody else can take until the member starts.
    pub(crate) held: Vec<TcpListener>,
}

impl Sockets {
    /// Has systemd keep them for whoever is the host next.
    pub(crate) fn store(&self, number: u32) {
        for (place, listener) in self.listeners.iter().enumerate() {
            notify::keep(&name(number, place), listener.as_fd());
        }
    }

    /// Has systemd keep them no longer.
    pub(crate) fn forget(&self, number: u32) {
        (0..self.listeners.len()).for_each(|place| notify::let_go(&name(number, place)));
    }

    /// Takes those over that systemd has kept for a member; none: not all are there.
    pub(crate) fn adopt(kept: &mut BTreeMap<String, OwnedFd>, number: u32, bound: &Bound) -> Option<Self> {
        let address = bound.address?;
        // Its own, at an address and at a path, and those of its exposed ports.
        let places = 0..2 + bound.exposed.len();
        let listeners: Option<Vec<OwnedFd>> = places.map(|place| kept.remove(&name(number, place))).collect();
        let listeners = listeners?;
        let first = TcpListener::from(listeners.first()?.try_clone().ok()?);
        let is_same = first.local_addr().ok() == Some(address);
        is_same.then(|| Self { bound: bound.clone(), listeners, held: Vec::new() })
    }
}

/// What systemd calls a member's socket.
fn name(number: u32, place: usize) -> String {
    format!("{number}.{place}")
}

/// Binds what a member asks for; what it had before, it gets again.
///
/// # Errors
/// Says in words what cannot be had.
pub(crate) fn bind(wish: &Bind, before: &Bound, folder: &Path, number: u32) -> Result<Sockets, String> {
    let mut sockets = Sockets::default();
    sockets.bound.admin = folder.join(format!("{number}.admin")).display().to_string();
    if let Some(wished) = wish.listen {
        let listener = bind_as_before(wished, before.address.as_ref())?;
        sockets.bound.address = Some(listener.local_addr().map_err(|error| refused(wished, &error))?);
        let path = folder.join(format!("{number}.sock"));
        let unix = listen_at(&path).map_err(|error| format!("cannot listen at `{}`: {error}", path.display()))?;
        sockets.bound.socket = Some(path.display().to_string());
        sockets.give(listener.into())?;
        sockets.give(unix.into())?;
    }
    for (name, wished) in &wish.exposed {
        let listener = bind_as_before(*wished, before.exposed.get(name))?;
        let address = listener.local_addr().map_err(|error| refused(*wished, &error))?;
        sockets.bound.exposed.insert(name.clone(), address);
        if wish.listen.is_some() {
            sockets.give(listener.into())?;
        } else {
            sockets.bound.ports.insert(name.clone(), address.port());
            sockets.held.push(listener);
        }
    }
    let free: Vec<&String> = wish.ports.iter().filter(|name| !wish.exposed.contains_key(*name)).collect();
    let (ports, held) = free_ports(&free, &before.ports)?;
    sockets.bound.ports.extend(ports);
    sockets.held.extend(held);
    Ok(sockets)
}

impl Sockets {
    /// Keeps a socket for the member's starts.
    fn give(&mut self, socket: OwnedFd) -> Result<(), String> {
        self.listeners.push(away(socket).map_err(|error| format!("there are no descriptors left: {error}"))?);
        Ok(())
    }
}

/// Binds an address; where any port will do, the one that it had before.
fn bind_as_before(wished: SocketAddr, before: Option<&SocketAddr>) -> Result<TcpListener, String> {
    let had = before.filter(|had| wished.port() == 0 && had.ip() == wished.ip());
    // Somebody else may have taken the port for good since.
    match had.and_then(|had| bind_again(*had).ok()) {
        Some(listener) => Ok(listener),
        None => bind_again(wished).map_err(|error| refused(wished, &error)),
    }
}

/// Binds an address once more. Whoever is just being ended by the guard may have it for a moment.
fn bind_again(address: SocketAddr) -> io::Result<TcpListener> {
    let deadline = Instant::now() + RELEASE_TIME;
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                std::thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

fn free_ports(
    names: &[&String],
    before: &BTreeMap<String, u16>,
) -> Result<(BTreeMap<String, u16>, Vec<TcpListener>), String> {
    let (mut ports, mut held) = (BTreeMap::new(), Vec::new());
    for name in names {
        let bind = |port: u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, port));
        let again = before.get(*name).and_then(|port| bind(*port).ok());
        let found = again.map_or_else(|| bind(0), Ok).and_then(|socket| Ok((socket.local_addr()?.port(), socket)));
        let (port, socket) = found.map_err(|error| format!("there is no free port: {error}"))?;
        ports.insert((*name).clone(), port);
        held.push(socket);
    }
    Ok((ports, held))
}

fn listen_at(path: &PathBuf) -> io::Result<UnixListener> {
    // One from before a restart of the host; nobody listens there, or the lock would not be ours.
    let _ = std::fs::remove_file(path);
    UnixListener::bind(path)
}

fn away(socket: OwnedFd) -> io::Result<OwnedFd> {
    if socket.as_raw_fd() >= LOWEST {
        return Ok(socket);
    }
    Ok(rustix::io::fcntl_dupfd_cloexec(&socket, LOWEST)?)
}

fn refused(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("the address {address} is in use there"),
        io::ErrorKind::AddrNotAvailable => format!("the address {address} is none of that machine's"),
        _ => format!("the address {address} cannot be used there: {error}"),
    }
}
