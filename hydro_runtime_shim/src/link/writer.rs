//! The task beside a connection that takes items away: it writes what the tick could not, hears what is acknowledged, and notices when the peer
//! leaves or falls silent.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::frame_buffer::{FrameBuffer, Front};
use super::queue::Queue;
use super::wire::Wire;
use super::{PULSE, SILENCE};
use crate::contract::{FrameKind, Hello};

/// A peer that takes nothing for this long while we stop reading because of it is asked whether it waits for us, if it sends us items…
const STALL_TIME: Duration = Duration::from_millis(20);
/// …and if it does not, which may be because the ring of programs is longer.
const RING_STALL_TIME: Duration = Duration::from_secs(1);

/// What a receiver may have to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listening {
    /// Frames, and one at least every second while it lives.
    Life,
    /// A goodbye, if anything.
    Frames,
    /// Nothing that we understand.
    Nothing,
}

impl Listening {
    /// Tells it from the peer's hello, and from whether it reads lines.
    pub(super) fn of(hello: &Hello, lines: bool) -> Self {
        match hello.grants {
            Some(_) => Self::Life,
            None if lines => Self::Nothing,
            None => Self::Frames,
        }
    }
}

/// Whether a receiver said something.
enum Heard {
    /// It did.
    Something,
    /// It was thought to.
    Nothing,
}

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    /// The peer left on purpose, for this reason.
    Goodbye(String),
    /// It broke.
    Broken(io::Error),
    /// It is there, but nothing comes.
    Silent,
    /// The peer came over a newer connection.
    Replaced,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Goodbye(reason) if reason.is_empty() => f.write_str("left"),
            Self::Goodbye(reason) => write!(f, "left: {reason}"),
            Self::Broken(error) => write!(f, "is gone: {error}"),
            Self::Silent => write!(f, "is silent for {} s", SILENCE.as_secs()),
            Self::Replaced => f.write_str("called again"),
        }
    }
}

/// Writes until connection number `connection` ends.
pub(super) async fn write_out(queue: &Queue, socket: &Wire, connection: u64, listening: Listening) -> End {
    let mut frames = FrameBuffer::new();
    let mut progress = queue.progress();
    let mut progress_at = Instant::now();
    let mut heard_at = Instant::now();
    let (mut deaf, mut suspected) = (false, false);
    let mut pulse = tokio::time::interval(PULSE);
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        if !queue.is_current(connection) {
            return End::Replaced;
        }
        if let Some(error) = queue.take_error() {
            return End::Broken(error);
        }
        if queue.progress() != progress || !queue.is_over() {
            (progress, progress_at) = (queue.progress(), Instant::now());
        }
        let stall_time = if queue.is_answered() { STALL_TIME } else { RING_STALL_TIME };
        tokio::select! {
            biased;
            heard = listen(queue, socket, &mut frames, listening), if !deaf => match heard {
                Ok(Heard::Nothing) => {}
                Ok(Heard::Something) => {
                    heard_at = Instant::now();
                    queue.heard();
                    if std::mem::take(&mut suspected) {
                        queue.suspect(false);
                    }
                }
                // Who reads lines may have said all it has to say, and reads on.
                Err(End::Broken(_)) if listening == Listening::Nothing => deaf = true,
                Err(end) => return end,
            },
            () = queue.work.notified() => {}
            ready = socket.writable(), if queue.may_write() => match ready {
                Ok(()) => queue.pump(true),
                Err(error) => return End::Broken(error),
            },
            () = tokio::time::sleep_until(progress_at + stall_time), if queue.is_over() => {
                queue.raise_limit();
                progress_at = Instant::now();
            }
            _ = pulse.tick(), if listening == Listening::Life => {
                if heard_at.elapsed() > SILENCE {
                    if !socket.is_reachable(SILENCE) {
                        return End::Silent;
                    }
                    if !std::mem::replace(&mut suspected, true) {
                        queue.suspect(true);
                    }
                }
                queue.show_life();
            }
        }
    }
}

/// Waits until the receiver says something and does what it says.
async fn listen(queue: &Queue, socket: &Wire, frames: &mut FrameBuffer, listening: Listening) -> Result<Heard, End> {
    socket.readable().await.map_err(End::Broken)?;
    match frames.fill(socket) {
        Ok(0) => return Err(End::Broken(hung_up())),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Heard::Nothing),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(End::Broken(hung_up())),
        Err(error) => return Err(End::Broken(error)),
    }
    if listening == Listening::Nothing {
        frames.clear();
        return Ok(Heard::Something);
    }
    loop {
        match frames.advance() {
            Front::Incomplete => return Ok(Heard::Something),
            Front::Malformed(reason) => return Err(End::Broken(io::Error::other(reason))),
            Front::Frame(header) => match header.kind {
                FrameKind::Ack => queue
                    .acknowledge(header.number, header.amount)
                    .map_err(|violation| End::Broken(io::Error::other(violation)))?,
                FrameKind::Alive => {}
                FrameKind::Goodbye => {
                    return Err(End::Goodbye(String::from_utf8_lossy(frames.open_frame()).into_owned()));
                }
                FrameKind::Data | FrameKind::Piece | FrameKind::Parcel => {
                    return Err(End::Broken(io::Error::other("it sent items against the link's direction")));
                }
            },
        }
    }
}

fn hung_up() -> io::Error {
    io::Error::other("it hung up without a goodbye")
}
