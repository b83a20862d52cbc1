//! What a unit and systemd say to each other: that it is ready, and which sockets are kept for it while it is started anew.
//!
//! Where no systemd started us, everything here does nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketType, sendmsg_addr,
    socket,
};

/// The number of the first file that systemd hands over.
const FIRST: RawFd = 3;
/// More than we ever have kept.
const MOST: RawFd = 1 << 16;

/// Says that we are ready.
pub(crate) fn ready() {
    say("READY=1", &[]);
}

/// Has a socket kept under a name, also when we are killed.
pub(crate) fn keep(name: &str, file: BorrowedFd<'_>) {
    say(&format!("FDSTORE=1\nFDNAME={name}\nFDPOLL=0"), &[file]);
}

/// Has what is kept under a name let go.
pub(crate) fn let_go(name: &str) {
    say(&format!("FDSTOREREMOVE=1\nFDNAME={name}"), &[]);
}

/// Returns what was kept for us, by name. To be called once, before anything else is opened.
pub(crate) fn kept() -> BTreeMap<String, OwnedFd> {
    let text = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let is_ours = text("LISTEN_PID").is_some_and(|pid| pid == std::process::id().to_string());
    let count = text("LISTEN_FDS").and_then(|count| count.parse::<RawFd>().ok()).filter(|_| is_ours).unwrap_or(0);
    let names = text("LISTEN_FDNAMES").unwrap_or_default();
    let files = (FIRST..FIRST + count.clamp(0, MOST)).filter_map(|number| {
        // SAFETY: systemd says that these are open and ours, and nobody else has looked at them yet.
        let file = unsafe { OwnedFd::from_raw_fd(number) };
        // A copy out of the way of numbers that members use; it closes itself in children.
        rustix::io::fcntl_dupfd_cloexec(&file, crate::sockets::LOWEST).ok()
    });
    names.split(':').map(str::to_owned).zip(files).collect()
}

fn say(words: &str, files: &[BorrowedFd<'_>]) {
    let Some(place) = std::env::var_os("NOTIFY_SOCKET") else { return };
    // Who does not hear us starts us again when we are late; nothing better can be done here.
    let _ = send(&place, words, files);
}

fn send(place: &OsString, words: &str, files: &[BorrowedFd<'_>]) -> Result<(), rustix::io::Errno> {
    let bytes = place.as_encoded_bytes();
    let address = match bytes.strip_prefix(b"@") {
        Some(name) => SocketAddrUnix::new_abstract_name(name)?,
        None => SocketAddrUnix::new(bytes)?,
    };
    let socket = socket(AddressFamily::UNIX, SocketType::DGRAM, None)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(files));
    }
    sendmsg_addr(&socket, &address, &[IoSlice::new(words.as_bytes())], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}
