//! The task beside a connection that takes items away: it writes what the tick could not, and notices when the peer leaves.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::frame_buffer::{FrameBuffer, Front};
use super::queue::Queue;
use crate::transport::Socket;

/// A peer that takes nothing for this long while we stop reading because of it is asked whether it waits for us.
const STALL_TIME: Duration = Duration::from_millis(20);

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The peer left on purpose.
    Goodbye,
    /// It broke.
    Broken(io::Error),
}

/// Writes until the connection ends.
pub(super) async fn write_out(queue: &Queue, socket: &Socket) -> End {
    let mut frames = FrameBuffer::new();
    let mut progress = queue.progress();
    let mut progress_at = Instant::now();
    loop {
        if let Some(error) = queue.take_error() {
            return End::Broken(error);
        }
        if queue.progress() != progress || !queue.is_over() {
            (progress, progress_at) = (queue.progress(), Instant::now());
        }
        tokio::select! {
            biased;
            end = peer_leaves(socket, &mut frames) => return end,
            () = queue.work.notified() => {}
            ready = socket.writable(), if queue.has_backlog() => match ready {
                Ok(()) => queue.pump(true),
                Err(error) => return End::Broken(error),
            },
            () = tokio::time::sleep_until(progress_at + STALL_TIME), if queue.is_over() => {
                queue.raise_limit();
                progress_at = Instant::now();
            }
        }
    }
}

/// Waits until the peer hangs up. Of what it may say only the goodbye has a meaning.
async fn peer_leaves(socket: &Socket, frames: &mut FrameBuffer) -> End {
    loop {
        if let Err(error) = socket.readable().await {
            return End::Broken(error);
        }
        match frames.fill(socket) {
            Ok(0) => return End::Broken(io::Error::other("it hung up without a goodbye")),
            Ok(_) => match frames.advance() {
                Front::Incomplete => {}
                Front::Goodbye(_) => return End::Goodbye,
                Front::Data | Front::Malformed => {
                    return End::Broken(io::Error::other("it sent items against the link's direction"));
                }
            },
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                return End::Broken(io::Error::other("it hung up without a goodbye"));
            }
            Err(error) => return End::Broken(error),
        }
    }
}
