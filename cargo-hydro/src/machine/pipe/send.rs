//! Standard output as a port: keeps an input of another process connected, and brings it what its [`Outbox`] holds.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hydro_runtime_shim::contract::{
    Answer, Expectation, FrameHeader, FrameKind, Hello, MAX_FRAME_BYTES, Offer, Reject, RejectCode,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::outbox::Outbox;
use super::pipes::{Identity, Target};
use super::wire;
use crate::report::Reporter;

/// The port's name.
pub(super) const STDOUT: &str = "stdout";

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A receiver answers when its program runs; its socket is there earlier.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// A receiver shows every second that it lives; who is silent for so long is called again.
const SILENCE: Duration = Duration::from_secs(3);
const PULSE: Duration = Duration::from_secs(1);
/// Bytes that are written at once.
const BATCH: usize = 60 << 10;

/// Brings records to one target. See the module.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) outbox: Arc<Outbox>,
    /// The outbox's records as a stream: a larger number than those before it.
    pub(super) stream: u64,
    pub(super) target: Target,
    pub(super) who: Identity,
    pub(super) reporter: Reporter,
}

impl Sender {
    /// Sends until it is dropped.
    pub(super) async fn run(self) {
        let mut pause = FIRST_PAUSE;
        let mut told = None;
        loop {
            match timeout(ANSWER_TIME, self.call()).await {
                Ok(Ok(Ok((stream, peer)))) => {
                    pause = FIRST_PAUSE;
                    if let Some(reason) = self.converse(stream, &peer).await {
                        self.tell(&mut told, format!("cannot read what `{}` writes: {reason}", self.who.service));
                    }
                }
                Ok(Ok(Err(Reject { code, reason }))) if code != RejectCode::Stopping => {
                    self.tell(&mut told, format!("refuses `{}.{STDOUT}`: {reason}", self.who.service));
                    pause = LONGEST_PAUSE;
                }
                // It is being started, as a rule.
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Tells what is wrong with the target, unless that was told last.
    fn tell(&self, told: &mut Option<String>, what: String) {
        if told.as_ref() != Some(&what) {
            self.reporter.warning(format!("`{}` {what}", self.target.name));
            *told = Some(what);
        }
    }

    async fn call(&self) -> io::Result<Result<(UnixStream, Hello), Reject>> {
        let mut stream = UnixStream::connect(&self.target.socket).await?;
        let offer = Offer { stream: self.stream, first: self.outbox.first(), lossy: false };
        let hello = self.who.hello(STDOUT, Some(self.target.port.clone()), true);
        let hello = Hello { offers: Some(offer), ..hello };
        Ok(match wire::introduce(&mut stream, &hello).await? {
            Answer::Welcome(peer) => Ok((stream, peer)),
            Answer::Reject(reject) => Err(reject),
        })
    }

    /// Sends until the connection ends. Returns the reason that the receiver gave, if it did not like something.
    async fn converse(&self, stream: UnixStream, peer: &Hello) -> Option<String> {
        let expects = peer.grants.and_then(|grants| grants.expects).filter(|known| known.stream == self.stream);
        let next = expects.map_or_else(|| self.outbox.first(), |Expectation { next, .. }| next);
        self.outbox.arrived(next);
        let window = AtomicU32::new(peer.grants.map_or(u32::MAX, |grants| grants.window));
        let acknowledged = Notify::new();
        let (reader, writer) = stream.into_split();
        let write = async {
            let _ = self.write(writer, (next, peer.grants.is_some()), &window, &acknowledged).await;
            // Who hung up may have said why before; that is still to be read.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            reason = self.listen(BufReader::new(reader), &window, &acknowledged) => reason,
            () = write => None,
        }
    }

    /// Hears acknowledgements until the connection ends.
    async fn listen(
        &self,
        mut reader: impl AsyncRead + Unpin,
        window: &AtomicU32,
        acknowledged: &Notify,
    ) -> Option<String> {
        while let Ok(Ok(Some((header, payload)))) = timeout(SILENCE, wire::read_frame(&mut reader)).await {
            match header.kind {
                FrameKind::Ack => {
                    self.outbox.arrived(header.number);
                    window.store(header.amount, Ordering::Relaxed);
                    acknowledged.notify_one();
                }
                FrameKind::Goodbye => {
                    let reason = String::from_utf8_lossy(&payload).into_owned();
                    // That is how links are taken away, not how items are judged.
                    return Some(reason).filter(|reason| !reason.is_empty() && reason != "disconnected");
                }
                _ => {}
            }
        }
        None
    }

    async fn write(
        &self,
        mut writer: impl AsyncWrite + Unpin,
        (mut next, is_acknowledged): (u64, bool),
        window: &AtomicU32,
        acknowledged: &Notify,
    ) -> io::Result<()> {
        let mut batch = Vec::new();
        let mut pulse = tokio::time::interval(PULSE);
        loop {
            batch.clear();
            let mut under_way = self.outbox.bytes_below(next);
            while let Some(record) = self.outbox.record(next).filter(|_| batch.len() < BATCH) {
                let fits = under_way == 0 || under_way + record.len() <= window.load(Ordering::Relaxed) as usize;
                if !fits {
                    break;
                }
                under_way += record.len();
                append(&mut batch, next, &record);
                next += 1;
            }
            if !batch.is_empty() {
                writer.write_all(&batch).await?;
                if !is_acknowledged {
                    self.outbox.arrived(next);
                }
                continue;
            }
            tokio::select! {
                () = self.outbox.more() => {}
                () = acknowledged.notified() => {}
                _ = pulse.tick() => {
                    let alive = FrameHeader { number: next, ..FrameHeader::new(FrameKind::Alive, 0) };
                    writer.write_all(&alive.bytes()).await?;
                }
            }
        }
    }
}

/// Appends a record as one frame, or in pieces.
fn append(batch: &mut Vec<u8>, number: u64, record: &[u8]) {
    let kind = if record.len() > MAX_FRAME_BYTES { FrameKind::Piece } else { FrameKind::Data };
    let mut rest = record.chunks(MAX_FRAME_BYTES).peekable();
    while let Some(part) = rest.next() {
        let amount = u32::from(rest.peek().is_none());
        batch.extend(FrameHeader { number, amount, ..FrameHeader::new(kind, part.len()) }.bytes());
        batch.extend_from_slice(part);
    }
}
