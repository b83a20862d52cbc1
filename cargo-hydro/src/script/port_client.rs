//! A script's end of a link: dials a running program's port, says who it is, and exchanges items as JSON lines.
//!
//! Knows the link protocol, not deployments. Read [`open`] first.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hydro_runtime_shim::contract::{
    Answer, Codec, FRAME_HEADER_BYTES, FrameHeader, FrameKind, Hello, MAX_FRAME_BYTES, MAX_RECORD_BYTES,
    PREAMBLE_BYTES, parse_preamble, preamble,
};
use serde::de::IgnoredAny;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::protocol::{ErrorBody, ErrorKind};
use crate::report::{ExitCode, Failure};

/// How long a program may take to answer: it may just have been started, on a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What the peer would call the type of a script's items; with JSON it is not compared.
const TYPE_NAME: &str = "JSON";

/// Why items cannot be exchanged with a port.
#[derive(Debug, thiserror::Error)]
pub(super) enum PortError {
    /// Nobody listens there.
    #[error("cannot reach the service")]
    Unreachable(#[source] io::Error),
    /// The program listens, but does not answer.
    #[error("the service did not answer within {} s", ANSWER_WITHIN.as_secs())]
    Silent,
    /// The program does not want this link.
    #[error("the service refused: {0}")]
    Refused(String),
    /// The peer does not speak the link protocol.
    #[error("what the service sent cannot be understood: {0}")]
    Malformed(String),
    /// The program ended the connection.
    #[error("{}", .0.as_deref().map_or_else(|| "the service ended the connection".to_owned(), |reason| format!("the service refused an item: {reason}")))]
    Ended(Option<String>),
    /// The program closed the connection without a word.
    #[error("the service cut the connection off")]
    CutOff,
    /// The connection broke.
    #[error("the connection to the service broke")]
    Broken(#[source] io::Error),
    /// The item is no JSON text.
    #[error("the item is no JSON")]
    NoJson(#[source] serde_json::Error),
    /// The item is longer than an item may be.
    #[error("the item is {0} bytes long; at most {MAX_RECORD_BYTES} can be sent")]
    TooLong(usize),
}

impl PortError {
    /// Makes it the failure of an exchange with `port`.
    #[must_use]
    pub(super) fn told(&self, port: &str) -> ErrorBody {
        let kind = match self {
            Self::Ended(Some(_)) | Self::NoJson(_) | Self::TooLong(_) => ErrorKind::ItemRefused,
            Self::Unreachable(_) | Self::Ended(None) => ErrorKind::NotRunning,
            _ => ErrorKind::Failed,
        };
        ErrorBody::from(self.about(port)).kind(kind)
    }

    fn about(&self, port: &str) -> Failure {
        let mut failure = Failure::new(ExitCode::Usage, format!("{port}: {self}"));
        if let Some(source) = std::error::Error::source(self) {
            failure = failure.cause(source);
        }
        match self {
            Self::Unreachable(_) => failure.hint("`await deployment.deploy()` starts it; it may also have ended"),
            Self::Ended(_) | Self::CutOff | Self::Broken(_) => failure.hint(
                "an item that does not fit the port's type does that; the service's own words are in its `stderr()`",
            ),
            _ => failure,
        }
    }
}

/// Where a program listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PortPlace {
    /// At an address.
    Tcp(SocketAddr),
    /// At a Unix socket, which takes callers without a certificate even where all links are encrypted: only this user can reach it.
    Unix(PathBuf),
}

/// Who the script is towards programs: one deployment, one address on all of its links, so that answers find it.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    /// Name of the deployment it belongs to.
    pub(super) deployment: String,
    /// The address that programs see beside its items.
    pub(super) address: SocketAddr,
    /// Its incarnation.
    pub(super) epoch: u64,
}

/// Dials `place` and joins its port `port`; with `sends`, items go there, otherwise they come from there.
///
/// # Errors
/// The program cannot be reached, does not answer, or refuses.
pub(super) async fn open(
    place: &PortPlace,
    port: &str,
    sends: bool,
    identity: &Identity,
) -> Result<Connection, PortError> {
    let hello = Hello {
        deployment: identity.deployment.clone(),
        service: "script".to_owned(),
        member: 0,
        address: Some(identity.address),
        epoch: identity.epoch,
        port: port.to_owned(),
        peer_port: Some(port.to_owned()),
        sends,
        type_name: TYPE_NAME.to_owned(),
        fingerprint: hydro_runtime_shim::contract::fingerprint(TYPE_NAME),
        codec: Codec::Json,
        named: false,
        // A script's link ends with its connection.
        offers: None,
        grants: None,
    };
    timeout(ANSWER_WITHIN, shake_hands(place, &hello)).await.unwrap_or(Err(PortError::Silent))
}

/// A link that is made.
#[derive(Debug)]
pub(super) struct Connection {
    /// What the program sends: items, or on a link to it only the reason why it leaves.
    pub(super) incoming: Incoming,
    /// What the program takes.
    pub(super) outgoing: Outgoing,
}

/// The two halves of a connection, of whatever kind.
type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

async fn connect(place: &PortPlace) -> io::Result<(Reader, Writer)> {
    Ok(match place {
        PortPlace::Tcp(address) => {
            let stream = TcpStream::connect(address).await?;
            // Small items must not wait for acknowledgements of earlier ones.
            stream.set_nodelay(true)?;
            let (reader, writer) = stream.into_split();
            (Box::new(reader), Box::new(writer))
        }
        PortPlace::Unix(path) => {
            let (reader, writer) = UnixStream::connect(path).await?.into_split();
            (Box::new(reader), Box::new(writer))
        }
    })
}

async fn shake_hands(place: &PortPlace, hello: &Hello) -> Result<Connection, PortError> {
    let (reader, mut writer) = connect(place).await.map_err(PortError::Unreachable)?;
    let mut reader = BufReader::with_capacity(64 << 10, reader);
    let text = serde_json::to_vec(hello).map_err(|error| PortError::Malformed(error.to_string()))?;
    let mut bytes = preamble(text.len()).to_vec();
    bytes.extend_from_slice(&text);
    writer.write_all(&bytes).await.map_err(PortError::Broken)?;
    let mut head = [0; PREAMBLE_BYTES];
    reader.read_exact(&mut head).await.map_err(ended)?;
    let (_, length) = parse_preamble(head).ok_or_else(|| PortError::Malformed("no handshake".to_owned()))?;
    let mut text = vec![0; length];
    reader.read_exact(&mut text).await.map_err(ended)?;
    match serde_json::from_slice(&text).map_err(|error| PortError::Malformed(error.to_string()))? {
        Answer::Welcome(_) => Ok(Connection {
            incoming: Incoming { reader, frame: Vec::new(), taken: 0 },
            outgoing: Outgoing { writer, frame: Vec::new(), number: 0 },
        }),
        Answer::Reject(reject) => Err(PortError::Refused(reject.reason)),
    }
}

fn ended(error: io::Error) -> PortError {
    if error.kind() == io::ErrorKind::UnexpectedEof { PortError::Ended(None) } else { PortError::Broken(error) }
}

/// How a program ended a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// It stopped.
    InOrder,
    /// It gave a reason.
    Because(String),
    /// Without a word: it crashed, or it could not read what it was sent.
    CutOff,
}

/// The receiving half of a link.
pub(super) struct Incoming {
    reader: BufReader<Reader>,
    frame: Vec<u8>,
    taken: usize,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}

impl Incoming {
    /// Waits for the next item, as JSON text. None: the program left in order, or ended.
    ///
    /// # Errors
    /// The connection broke, or what came is no item.
    pub(super) async fn next(&mut self) -> Result<Option<String>, PortError> {
        loop {
            while self.taken < self.frame.len() {
                let rest = &self.frame[self.taken..];
                let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
                let record = &rest[..length];
                self.taken += length + 1;
                if !record.trim_ascii().is_empty() {
                    return as_item(record).map(Some);
                }
            }
            self.frame.clear();
            self.taken = 0;
            if !self.read_items().await? {
                return Ok(None);
            }
        }
    }

    /// Appends the items of the next frame, or of as many as one large item takes. False: the program left.
    async fn read_items(&mut self) -> Result<bool, PortError> {
        loop {
            let Some(header) = self.read_frame().await? else { return Ok(false) };
            match header.kind {
                FrameKind::Data => return Ok(true),
                FrameKind::Piece if self.frame.len() > MAX_RECORD_BYTES => {
                    return Err(PortError::Malformed("an item that is too large".to_owned()));
                }
                FrameKind::Piece if header.amount > 0 => return Ok(true),
                FrameKind::Piece | FrameKind::Alive | FrameKind::Ack => {}
                FrameKind::Goodbye => return Ok(false),
                FrameKind::HandedOver => {
                    return Err(PortError::Malformed("a parcel, which cannot leave its process".to_owned()));
                }
            }
        }
    }

    /// Waits until the program ends the link.
    pub(super) async fn farewell(&mut self) -> Farewell {
        loop {
            self.frame.clear();
            match self.read_frame().await {
                Ok(Some(FrameHeader { kind: FrameKind::Goodbye, length: 0, .. })) => return Farewell::InOrder,
                Ok(Some(FrameHeader { kind: FrameKind::Goodbye, .. })) => {
                    return Farewell::Because(String::from_utf8_lossy(&self.frame).into_owned());
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Farewell::CutOff,
            }
        }
    }

    /// Reads a frame; its payload is appended to what is there.
    async fn read_frame(&mut self) -> Result<Option<FrameHeader>, PortError> {
        let mut head = [0; FRAME_HEADER_BYTES];
        match self.reader.read_exact(&mut head).await {
            Ok(_) => {}
            // A killed program closes its sockets between frames, or resets them; both are its end, which others report.
            Err(error) if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                return Ok(None);
            }
            Err(error) => return Err(PortError::Broken(error)),
        }
        let Some(header) = FrameHeader::parse(head) else {
            return Err(PortError::Malformed("a frame with a wrong header".to_owned()));
        };
        // Grows with what arrives, not with what the header claims.
        let mut body = (&mut self.reader).take(u64::from(header.length));
        let read = body.read_to_end(&mut self.frame).await.map_err(PortError::Broken)?;
        if read < header.length as usize { Err(PortError::Ended(None)) } else { Ok(Some(header)) }
    }
}

/// Takes a record as an item, if it is JSON.
fn as_item(record: &[u8]) -> Result<String, PortError> {
    let text = String::from_utf8_lossy(record);
    match serde_json::from_str::<IgnoredAny>(&text) {
        Ok(_) => Ok(text.into_owned()),
        Err(error) => {
            let shown: String = text.chars().take(80).collect();
            Err(PortError::Malformed(format!("`{shown}` is no JSON: {error}")))
        }
    }
}

fn check(item: &str) -> Result<(), PortError> {
    serde_json::from_str::<IgnoredAny>(item).map_err(PortError::NoJson)?;
    if item.len() >= MAX_RECORD_BYTES { Err(PortError::TooLong(item.len())) } else { Ok(()) }
}

/// The sending half of a link.
pub(super) struct Outgoing {
    writer: Writer,
    frame: Vec<u8>,
    /// Number of the next item.
    number: u64,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

impl Outgoing {
    /// Sends items, each a JSON text, with as few writes as their size allows. If one cannot be sent, those after it are not.
    ///
    /// # Errors
    /// An item is no JSON or too long, or the connection broke.
    pub(super) async fn send(&mut self, items: &[String]) -> Result<(), PortError> {
        self.frame.clear();
        let mut wrong = None;
        for item in items {
            if let Err(error) = check(item) {
                wrong = Some(error);
                break;
            }
            self.add(item);
            if self.frame.len() > MAX_FRAME_BYTES {
                self.write().await?;
            }
        }
        self.write().await?;
        wrong.map_or(Ok(()), Err)
    }

    /// Appends the frames of one item.
    fn add(&mut self, item: &str) {
        let pieces = (item.len() + 1).div_ceil(MAX_FRAME_BYTES);
        let mut left = item.len() + 1;
        // A line ends at the first newline; in JSON it is but space.
        let mut bytes = item.bytes().map(|byte| if byte == b'\n' { b' ' } else { byte }).chain([b'\n']);
        for piece in 1..=pieces {
            let length = left.min(MAX_FRAME_BYTES);
            let kind = if pieces == 1 { FrameKind::Data } else { FrameKind::Piece };
            let (number, amount) = (self.number, u32::from(piece == pieces));
            self.frame.extend(FrameHeader { number, amount, ..FrameHeader::new(kind, length) }.bytes());
            self.frame.extend(bytes.by_ref().take(length));
            left -= length;
        }
        self.number += 1;
    }

    async fn write(&mut self) -> Result<(), PortError> {
        let written = self.writer.write_all(&self.frame).await;
        self.frame.clear();
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => PortError::Ended(None),
            _ => PortError::Broken(error),
        })
    }

    /// Leaves in order.
    pub(super) async fn goodbye(&mut self) {
        // Nobody is left to tell if the peer is gone already.
        let _ = self.writer.write_all(&FrameHeader::new(FrameKind::Goodbye, 0).bytes()).await;
        let _ = self.writer.shutdown().await;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use hydro_runtime_shim::contract::{Reject, RejectCode};
    use tokio::net::TcpListener;

    use super::*;

    fn identity() -> Identity {
        Identity { deployment: "test".into(), address: ([127, 0, 0, 1], 9).into(), epoch: 1 }
    }

    /// The acceptor's side, as a program has it.
    pub(in crate::script) struct Program {
        pub(in crate::script) hello: Hello,
        pub(in crate::script) stream: TcpStream,
    }

    impl Program {
        pub(in crate::script) async fn accept(listener: &TcpListener) -> Self {
            let (mut stream, _) = listener.accept().await.expect("accepts");
            let mut head = [0; PREAMBLE_BYTES];
            stream.read_exact(&mut head).await.expect("reads");
            let (_, length) = parse_preamble(head).expect("is a preamble");
            let mut text = vec![0; length];
            stream.read_exact(&mut text).await.expect("reads");
            Self { hello: serde_json::from_slice(&text).expect("is a hello"), stream }
        }

        pub(in crate::script) async fn answer(&mut self, answer: &Answer) {
            let text = serde_json::to_vec(answer).expect("is JSON");
            self.stream.write_all(&preamble(text.len())).await.expect("writes");
            self.stream.write_all(&text).await.expect("writes");
        }

        pub(in crate::script) async fn welcome(&mut self) {
            let answer = Answer::Welcome(self.hello.clone());
            self.answer(&answer).await;
        }

        pub(in crate::script) async fn take_frame(&mut self) -> Vec<u8> {
            let mut head = [0; FRAME_HEADER_BYTES];
            self.stream.read_exact(&mut head).await.expect("reads");
            let header = FrameHeader::parse(head).expect("is a frame");
            let mut payload = vec![0; header.length as usize];
            self.stream.read_exact(&mut payload).await.expect("reads");
            payload
        }

        pub(in crate::script) async fn frame(&mut self, kind: FrameKind, payload: &[u8]) {
            self.stream.write_all(&FrameHeader::new(kind, payload.len()).bytes()).await.expect("writes");
            self.stream.write_all(payload).await.expect("writes");
        }
    }

    async fn listener() -> (TcpListener, PortPlace) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let place = PortPlace::Tcp(listener.local_addr().expect("has an address"));
        (listener, place)
    }

    #[tokio::test]
    async fn items_come_one_by_one_whatever_the_frames() {
        let (listener, place) = listener().await;
        let program = async {
            let mut program = Program::accept(&listener).await;
            assert_eq!(program.hello.peer_port.as_deref(), Some("outbound"));
            assert!(!program.hello.sends);
            program.welcome().await;
            program.frame(FrameKind::Data, b"{\"n\":1}\n[2]\n").await;
            program.frame(FrameKind::Data, b"").await;
            program.frame(FrameKind::Data, b"\"three\"\n").await;
            program.frame(FrameKind::Goodbye, b"").await;
        };
        let script = async {
            let mut link = open(&place, "outbound", false, &identity()).await.expect("opens").incoming;
            let mut items = Vec::new();
            while let Some(item) = link.next().await.expect("is an item") {
                items.push(item);
            }
            assert_eq!(items, [r#"{"n":1}"#, "[2]", r#""three""#]);
        };
        tokio::join!(program, script);
    }

    #[tokio::test]
    async fn a_refusal_tells_the_reason() {
        let (listener, place) = listener().await;
        let program = async {
            let mut program = Program::accept(&listener).await;
            program.answer(&Answer::Reject(Reject { code: RejectCode::Port, reason: "no port `x`".into() })).await;
        };
        let (_, refused) = tokio::join!(program, async { open(&place, "x", true, &identity()).await });
        let failure = refused.expect_err("is refused").about("server.x");
        assert_eq!(failure.message, "server.x: the service refused: no port `x`");
    }

    #[tokio::test]
    async fn bad_bytes_are_errors() {
        for (payload, part) in [(&b"HTTP/1.1 200 OK\r\n\r\n"[..], "no handshake"), (b"HYDR", "ended")] {
            let (listener, place) = listener().await;
            let program = async {
                let mut program = Program::accept(&listener).await;
                program.stream.write_all(payload).await.expect("writes");
                drop(program);
            };
            let (_, link) = tokio::join!(program, async { open(&place, "x", true, &identity()).await });
            let text = link.expect_err(part).to_string();
            assert!(text.contains(part), "{text}");
        }
        let (listener, place) = listener().await;
        let program = async {
            let mut program = Program::accept(&listener).await;
            program.welcome().await;
            program.frame(FrameKind::Data, b"{broken\n").await;
        };
        let script = async { open(&place, "x", false, &identity()).await.expect("opens").incoming.next().await };
        let (_, item) = tokio::join!(program, script);
        assert!(item.expect_err("is no JSON").to_string().contains("`{broken` is no JSON"));
    }

    #[tokio::test]
    async fn nobody_there_is_an_error() {
        let (listener, place) = listener().await;
        drop(listener);
        let error = open(&place, "x", true, &identity()).await.expect_err("nobody listens");
        assert!(error.about("a.x").hint.is_some_and(|hint| hint.contains("deploy()")));
    }

    #[tokio::test]
    async fn a_leaving_program_says_why() {
        let (listener, place) = listener().await;
        let program = async {
            let mut program = Program::accept(&listener).await;
            program.welcome().await;
            assert_eq!(program.take_frame().await, b"{\"a\": 1}\n");
            program.frame(FrameKind::Goodbye, b"item 1: missing field `b`").await;
        };
        let script = async {
            let mut link = open(&place, "x", true, &identity()).await.expect("opens");
            link.outgoing.send(&["{\"a\":\n1}".to_owned()]).await.expect("sends");
            link.incoming.farewell().await
        };
        let (_, reason) = tokio::join!(program, script);
        assert_eq!(reason, Farewell::Because("item 1: missing field `b`".into()));
    }
}
