//! Whether the machine at the other end is there, although its program says nothing: a program may be busy or stopped for long, and its
//! connection is as good as before; a network that was cut is another matter.

use std::time::Duration;

use tokio::net::TcpStream;

/// Returns how long ago the other machine last answered. None: the system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn last_answer(stream: &TcpStream) -> Option<Duration> {
    use std::os::fd::AsRawFd as _;
    let mut bytes = u32::try_from(size_of::<libc::tcp_info>()).ok()?;
    // SAFETY: all-zero bytes are a value of this struct of integers.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open while `stream` is borrowed; the system writes at most `bytes` bytes to `info`.
    let result = unsafe {
        libc::getsockopt(stream.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, (&raw mut info).cast(), &raw mut bytes)
    };
    (result == 0).then(|| Duration::from_millis(u64::from(info.tcpi_last_ack_recv)))
}

/// Returns how long ago the other machine last answered. None: the system does not tell.
#[cfg(not(target_os = "linux"))]
pub(super) fn last_answer(_stream: &TcpStream) -> Option<Duration> {
    None
}
