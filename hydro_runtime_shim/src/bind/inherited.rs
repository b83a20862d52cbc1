//! Listening sockets handed over by whoever started us (systemd's LISTEN_FDS protocol), so that no connection is refused before we are up.

use std::net::TcpListener;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;

use super::{BindError, Environment};
use crate::contract::LISTEN_FDS;
use crate::transport::Inherited;

/// The first descriptor of the protocol.
const FIRST: RawFd = 3;
/// More than anybody hands over; a larger number is a mistake, not a loop to run.
const MOST: i32 = 1024;

/// Takes the inherited sockets over. To be called once, before anything else opens descriptors.
///
/// # Errors
/// The count cannot be read, or a descriptor is not a listening socket.
pub(crate) fn take_inherited(environment: &Environment) -> Result<Vec<Inherited>, BindError> {
    let Some(text) = environment.get(LISTEN_FDS) else {
        return Ok(Vec::new());
    };
    // With another process's id the sockets are that process's, and the variables were merely passed on.
    let own = std::process::id().to_string();
    if environment.get("LISTEN_PID").is_some_and(|pid| pid != own) {
        return Ok(Vec::new());
    }
    let malformed = |reason: String| BindError::Malformed {
        name: LISTEN_FDS.to_owned(),
        value: text.to_owned(),
        reason,
        example: format!("{LISTEN_FDS}=1"),
    };
    let count: i32 = text
        .parse()
        .ok()
        .filter(|count| (0..=MOST).contains(count))
        .ok_or_else(|| malformed("is no count of sockets".into()))?;
    (FIRST..FIRST + count)
        .map(|descriptor| adopt(descriptor).map_err(|error| malformed(format!("descriptor {descriptor}: {error}"))))
        .collect()
}

fn adopt(descriptor: RawFd) -> std::io::Result<Inherited> {
    // SAFETY: the number comes from whoever started us; borrowing a closed descriptor is answered by an error of the very next call.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    // The copy is closed on exec, which the original is not: our own children shall not inherit the socket.
    let copy = borrowed.try_clone_to_owned()?;
    // SAFETY: the descriptor is open (it was just copied), and by the protocol nobody else in this process owns it.
    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    let tcp = TcpListener::from(copy);
    if let Ok(address) = tcp.local_addr() {
        tcp.set_nonblocking(true)?;
        return Ok(Inherited::Tcp { listener: tcp, address });
    }
    let unix = UnixListener::from(OwnedFd::from(tcp));
    let path = unix.local_addr()?.as_pathname().map(std::path::Path::to_path_buf);
    unix.set_nonblocking(true)?;
    path.map(|path| Inherited::Unix { listener: unix, path })
        .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::InvalidInput, "is a Unix socket without a path"))
}
