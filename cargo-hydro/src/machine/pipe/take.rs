//! Standard input as a port: takes callers, and hands what they send to the [`feed`](super::feed::feed).
//!
//! What is handed over is acknowledged, so a process that does not read pushes back on its senders.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hydro_runtime_shim::contract::{
    Answer, Codec, Expectation, FrameHeader, FrameKind, Grant, Hello, MAX_RECORD_BYTES, Offer, Reject, RejectCode,
};
use tokio::io::{AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::feed::Portion;
use super::pipes::Identity;
use super::wire;

/// The port's name.
pub(super) const STDIN: &str = "stdin";

/// Bytes a sender may have on their way without an acknowledgement. Beside the system's pipe it is all that lies between a sender and a slow process.
const WINDOW: u32 = 256 << 10;
/// How often a receiver shows that it lives.
const PULSE: Duration = Duration::from_secs(1);
/// Nothing of a sender that was silent for so long can be under way any more.
const GONE: Duration = Duration::from_secs(60);
/// A caller that has not said its hello by then is cut off.
const HELLO_TIME: Duration = Duration::from_secs(5);
/// After a failure to take a caller: too many open files, as a rule, which passes.
const PAUSE: Duration = Duration::from_millis(50);

/// One sender, whether it is connected or not.
#[derive(Debug, Default)]
pub(super) struct Link {
    state: Mutex<Stand>,
    /// The first record that was not handed over.
    handed: watch::Sender<u64>,
}

/// Where a sender's stream stands.
#[derive(Clone, Copy, Debug, Default)]
struct Stand {
    stream: Option<u64>,
    /// The first record that has not come.
    next: u64,
    /// The newest connection; older ones count no more.
    connection: u64,
    lossy: bool,
    /// When something was last heard of the sender.
    heard: Option<Instant>,
}

/// What to do with records that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Take,
    /// They came before.
    Known,
    /// The connection is not the newest any more, or records before them are missing.
    Close,
}

impl Link {
    fn state(&self) -> MutexGuard<'_, Stand> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All records of this stream below `next` were handed over.
    pub(super) fn handed_over(&self, stream: u64, next: u64) {
        if self.state().stream == Some(stream) {
            self.handed.send_replace(next);
        }
    }

    /// Begins a connection. Returns its number and what to grant.
    fn begin(&self, offer: Offer) -> Result<(u64, Grant), Reject> {
        let mut state = self.state();
        let reject = |code, reason: &str| Err(Reject { code, reason: reason.to_owned() });
        let expects =
            state.stream.filter(|known| *known == offer.stream).map(|stream| Expectation { stream, next: state.next });
        match state.stream {
            // Clocks go back, and the next start of a sender must not wait for them for ever.
            Some(known) if offer.stream < known && state.heard.is_some_and(|at| at.elapsed() < GONE) => {
                return reject(RejectCode::Superseded, "a newer start of that program is connected");
            }
            Some(known) if offer.stream == known => {
                if offer.first > state.next && !offer.lossy {
                    return reject(RejectCode::Malformed, "the sender has thrown away records that did not arrive");
                }
            }
            _ => {
                (state.stream, state.next) = (Some(offer.stream), offer.first);
                self.handed.send_replace(offer.first);
            }
        }
        state.lossy = offer.lossy;
        state.heard = Some(Instant::now());
        state.connection += 1;
        Ok((state.connection, Grant { window: WINDOW, expects }))
    }

    /// Judges records that came, and has them handed over if they are next. In one step: a newer connection must not come in between.
    fn admit(&self, connection: u64, header: &FrameHeader, place: mpsc::Permit<'_, Portion>, portion: Portion) -> bool {
        let mut state = self.state();
        state.heard = Some(Instant::now());
        match state.judge(connection, header) {
            Verdict::Close => return false,
            Verdict::Known => {}
            Verdict::Take => {
                state.next = portion.next;
                place.send(portion);
            }
        }
        true
    }
}

impl Stand {
    fn judge(&self, connection: u64, header: &FrameHeader) -> Verdict {
        match header.number {
            _ if self.connection != connection => Verdict::Close,
            number if number < self.next => Verdict::Known,
            number if number > self.next && !self.lossy => Verdict::Close,
            _ => Verdict::Take,
        }
    }
}

/// Takes callers until it is dropped.
pub(super) async fn take(listener: UnixListener, who: Identity, portions: mpsc::Sender<Portion>) {
    let links = Arc::new(Links { who, known: Mutex::default() });
    let mut calls = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                while calls.try_join_next().is_some() {}
                let (links, portions) = (Arc::clone(&links), portions.clone());
                // A connection that ends is the caller's affair: it calls again.
                calls.spawn(async move { drop(serve(stream, &links, portions).await) });
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Who sends: service, member and port; of one whose name others may have, its start too.
type Sender = (String, u32, String, Option<u64>);

struct Links {
    who: Identity,
    known: Mutex<BTreeMap<Sender, Arc<Link>>>,
}

impl Links {
    /// Finds the link that a caller means, or says why there is none.
    fn find(&self, hello: &Hello) -> Result<Arc<Link>, Reject> {
        let reject = |code, reason: String| Err(Reject { code, reason });
        if hello.deployment != self.who.deployment {
            let reason = format!("this is deployment `{}`, not `{}`", self.who.deployment, hello.deployment);
            return reject(RejectCode::Deployment, reason);
        }
        if hello.peer_port.as_deref().is_some_and(|port| port != STDIN) || !hello.sends {
            return reject(
                RejectCode::Port,
                format!("here is the standard input of `{}`, and no other port", self.who.service),
            );
        }
        if hello.codec != Codec::Json {
            return reject(RejectCode::Type, "a standard input takes JSON: call it with `json:` in front".to_owned());
        }
        let sender =
            (hello.service.clone(), hello.member, hello.port.clone(), Some(hello.epoch).filter(|_| !hello.named));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // An earlier start of a sender without a name of its own does not come back.
        let is_other_start = |other: &Sender| {
            sender.3.is_some()
                && other.3 != sender.3
                && (&other.0, other.1, &other.2) == (&sender.0, sender.1, &sender.2)
        };
        known.retain(|other, link| !is_other_start(other) || Arc::strong_count(link) > 1);
        Ok(Arc::clone(known.entry(sender).or_default()))
    }
}

async fn serve(mut stream: UnixStream, links: &Links, portions: mpsc::Sender<Portion>) -> io::Result<()> {
    let greeted = tokio::time::timeout(HELLO_TIME, wire::greet(&mut stream)).await;
    let greeted = greeted.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    let found = greeted.and_then(|hello| {
        let link = links.find(&hello)?;
        let offer = hello.offers.unwrap_or(Offer { stream: hello.epoch, first: 0, lossy: false });
        let (connection, grant) = link.begin(offer)?;
        Ok((link, connection, hello, offer, grant))
    });
    let (link, connection, hello, offer, grant) = match found {
        Ok(found) => found,
        Err(reject) => return wire::answer(&mut stream, &Answer::Reject(reject)).await,
    };
    let grants = hello.offers.map(|_| grant);
    let own = Hello { grants, ..links.who.hello(STDIN, Some(hello.port.clone()), false) };
    wire::answer(&mut stream, &Answer::Welcome(own)).await?;
    let (reader, writer) = stream.into_split();
    let read = read(BufReader::new(reader), &link, (connection, offer.stream), &portions);
    converse(&link, read, writer, hello.offers.is_some()).await
}

/// How a sender's connection ended.
enum End {
    HungUp,
    /// It left in order; nothing comes after this record.
    Goodbye(u64),
    Malformed(&'static str),
}

/// Acknowledges what is handed over while records are read.
async fn converse(
    link: &Link,
    read: impl Future<Output = io::Result<End>>,
    mut writer: OwnedWriteHalf,
    acknowledges: bool,
) -> io::Result<()> {
    let mut handed = link.handed.subscribe();
    let mut pulse = tokio::time::interval(PULSE);
    tokio::pin!(read);
    let mut end = None;
    loop {
        tokio::select! {
            // What is being read is never dropped: it may be on its way to the process.
            ended = &mut read, if end.is_none() => end = Some(ended?),
            _ = handed.changed() => {}
            _ = pulse.tick() => {}
        }
        let next = *handed.borrow_and_update();
        if acknowledges {
            // Who hung up needs none; and one that has failed shows in what is read.
            let _ = writer.write_all(&FrameHeader::ack(next, WINDOW).bytes()).await;
        }
        match end {
            Some(End::Malformed(reason)) => {
                wire::goodbye(&mut writer, reason).await;
                return Ok(());
            }
            Some(End::Goodbye(last)) if next < last && acknowledges => {}
            Some(_) => return Ok(()),
            None => {}
        }
    }
}

/// Reads records until the connection ends.
async fn read(
    mut reader: BufReader<OwnedReadHalf>,
    link: &Arc<Link>,
    (connection, stream): (u64, u64),
    portions: &mpsc::Sender<Portion>,
) -> io::Result<End> {
    let mut pieces = Vec::new();
    loop {
        let Some((header, payload)) = wire::read_frame(&mut reader).await? else { return Ok(End::HungUp) };
        let mut bytes = match header.kind {
            FrameKind::Alive => continue,
            FrameKind::Goodbye => return Ok(End::Goodbye(link.state().next)),
            FrameKind::Ack => return Ok(End::Malformed("an acknowledgement against the link's direction")),
            FrameKind::HandedOver => return Ok(End::Malformed("a parcel, which cannot leave its process")),
            FrameKind::Data => payload,
            FrameKind::Piece => {
                pieces.extend_from_slice(&payload);
                match header.amount {
                    _ if pieces.len() > MAX_RECORD_BYTES => return Ok(End::Malformed("an item that is too large")),
                    0 => continue,
                    _ => std::mem::take(&mut pieces),
                }
            }
        };
        if bytes.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        let Some(next) = header.number.checked_add(u64::from(header.amount)) else {
            return Ok(End::Malformed("a number that is too large"));
        };
        let Ok(place) = portions.reserve().await else { return Ok(End::HungUp) };
        if !link.admit(connection, &header, place, Portion { link: Arc::clone(link), stream, next, bytes }) {
            return Ok(End::Malformed("items before these are missing, or a newer connection has replaced this one"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(stream: u64, first: u64) -> Offer {
        Offer { stream, first, lossy: false }
    }

    fn hello() -> Hello {
        let who = Identity::new("d", "a", 0);
        Hello { offers: Some(offer(1, 0)), ..who.hello("out", Some(STDIN.to_owned()), true) }
    }

    #[test]
    fn a_sender_goes_on_where_it_was_and_a_newer_start_begins_anew() {
        let link = Link::default();
        let (first, grant) = link.begin(offer(7, 3)).unwrap();
        assert_eq!((first, grant.expects), (1, None));
        let frame = |number| FrameHeader { number, amount: 2, ..FrameHeader::new(FrameKind::Data, 0) };
        let judge = |connection, number| link.state().judge(connection, &frame(number));
        assert_eq!((judge(1, 3), judge(1, 2), judge(1, 4)), (Verdict::Take, Verdict::Known, Verdict::Close));
        link.state().next = 5;
        let (second, grant) = link.begin(offer(7, 4)).unwrap();
        assert_eq!(grant.expects, Some(Expectation { stream: 7, next: 5 }));
        assert_eq!(
            (judge(first, 5), judge(second, 5)),
            (Verdict::Close, Verdict::Take),
            "the older connection is over"
        );
        assert!(link.begin(offer(7, 6)).is_err_and(|reject| reject.code == RejectCode::Malformed), "5 is missing");
        link.begin(offer(9, 0)).unwrap();
        assert_eq!(link.state().next, 0);
        assert!(link.begin(offer(8, 0)).is_err_and(|reject| reject.code == RejectCode::Superseded));
        link.handed_over(7, 99);
        assert_eq!(*link.handed.borrow(), 0, "what an earlier start sent is not acknowledged to this one");
    }

    #[test]
    fn who_does_not_fit_is_refused_with_the_reason() {
        let links = Links { who: Identity::new("d", "filter", 0), known: Mutex::default() };
        assert!(Arc::ptr_eq(&links.find(&hello()).unwrap(), &links.find(&hello()).unwrap()), "a sender comes back");
        let code = |hello: Hello| links.find(&hello).map(drop).map_err(|reject| reject.code);
        assert_eq!(code(Hello { deployment: "e".into(), ..hello() }), Err(RejectCode::Deployment));
        assert_eq!(code(Hello { peer_port: Some("stdout".into()), ..hello() }), Err(RejectCode::Port));
        assert_eq!(code(Hello { sends: false, ..hello() }), Err(RejectCode::Port));
        assert_eq!(code(Hello { codec: Codec::Binary, ..hello() }), Err(RejectCode::Type));
        for epoch in 0..9 {
            links.find(&Hello { named: false, epoch, ..hello() }).unwrap();
        }
        assert_eq!(links.known.lock().unwrap().len(), 1, "starts that do not come back are forgotten");
    }
}
