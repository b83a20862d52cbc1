//! The first two messages of a connection: who speaks, which ports, which type. Everything that does not fit is refused with a reason.

use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::peer::{Peer, ProcessId};
use super::{LinkEnd, Node, PortFace, PortHub, lines};
use crate::contract::{
    Answer, Codec, Direction, FrameHeader, FrameKind, Hello, PREAMBLE_BYTES, PROTOCOL_VERSION, Reject, RejectCode,
    identity_of, parse_preamble, preamble,
};
use crate::protocol::Violation;
use crate::transport::{Insecure, Socket};

/// A caller that has not proven who it is and said its hello by then is cut off.
pub(super) const HELLO_TIME: Duration = Duration::from_secs(5);
/// A callee answers when its program runs; its socket may be there earlier, when somebody else opened it.
pub(super) const ANSWER_TIME: Duration = Duration::from_secs(30);

/// What the other end said of itself.
#[derive(Debug)]
pub(super) struct Met {
    /// The other end.
    pub(super) peer: Rc<Peer>,
    /// Its own words.
    pub(super) hello: Hello,
    /// Of a peer without a handshake, which exchanges lines of JSON: the bytes it has sent so far.
    pub(super) lines: Option<Vec<u8>>,
}

/// How a peer writes what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// In frames, after a handshake.
    Frames,
    /// In lines of JSON, without one.
    Lines,
}

/// Why a link was not made.
#[derive(Debug)]
pub(super) enum HandshakeError {
    /// The other end refused.
    Refused(Reject),
    /// We refused, and told so.
    Refusing(Reject, String),
    /// One end does not believe the other, for this reason.
    Insecure(String),
    /// The connection broke.
    Broken(io::Error),
    /// The other end said nothing.
    Silent,
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(reject) => write!(f, "the peer refuses: {}", reject.reason),
            Self::Refusing(reject, whom) => write!(f, "refused {whom}: {}", reject.reason),
            Self::Insecure(reason) => f.write_str(reason),
            Self::Broken(error) if error.kind() == io::ErrorKind::UnexpectedEof => f.write_str("the peer hung up"),
            Self::Broken(error) => write!(f, "{error}"),
            Self::Silent => f.write_str("the peer accepts but does not answer"),
        }
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match Insecure::of(&error) {
            Some(Insecure(reason)) => Self::Insecure(reason.clone()),
            None => Self::Broken(error),
        }
    }
}

/// Introduces ourselves to whom we called, with `hello`.
pub(super) async fn introduce(
    node: &Node,
    socket: &Socket,
    face: &PortFace,
    hello: &Hello,
) -> Result<Met, HandshakeError> {
    let exchange = async {
        send(socket, hello).await?;
        receive::<Answer>(socket).await
    };
    let answer = tokio::time::timeout(ANSWER_TIME, exchange).await.map_err(|_| HandshakeError::Silent)??;
    match answer {
        Ok(Answer::Welcome(answer)) => {
            if let Err(reject) = check_identity(socket, &answer) {
                goodbye(socket, &reject.reason).await?;
                return Err(HandshakeError::Refusing(reject, "the peer".to_owned()));
            }
            if answer.codec != hello.codec {
                let reason = "the peer answers in another encoding than it was asked for".to_owned();
                return Err(HandshakeError::Refused(Reject { code: RejectCode::Malformed, reason }));
            }
            if hello.codec == Codec::Binary && answer.fingerprint != face.fingerprint {
                return Err(HandshakeError::Refused(type_mismatch(face, &answer)));
            }
            Ok(Met { peer: node.peer(&answer, socket.peer_address()), hello: answer, lines: None })
        }
        Ok(Answer::Reject(reject)) => Err(HandshakeError::Refused(reject)),
        Err(reject) => Err(HandshakeError::Refused(reject)),
    }
}

/// Hears who called and answers. `prepare` makes the link's state of the port that is meant, and says what to tell of our end.
pub(super) async fn welcome<State>(
    node: &Node,
    socket: &Socket,
    ports: &[PortHub],
    prepare: impl FnOnce(&Hello, &PortHub, Manner) -> Result<(LinkEnd, State), Violation>,
) -> Result<(Met, State), HandshakeError> {
    let first = first_byte(socket).await?;
    // Who proves who it is must say so in a hello, too: else a certificate would be good for any link.
    if lines::may_begin(first) && socket.peer_identity().is_none() {
        return lines::welcome(node, socket, ports, first, prepare).await;
    }
    let hello = match receive_after::<Hello>(socket, &[first]).await? {
        Ok(hello) => hello,
        Err(reject) => return refuse(socket, reject, "a caller".to_owned()).await,
    };
    let caller = format!("{}.{}, port `{}`", hello.service, hello.member, hello.port);
    let judged = check_identity(socket, &hello).and_then(|()| judge(node, &hello, ports));
    let port = match judged {
        Ok(port) => port,
        Err(reject) => return refuse(socket, reject, caller).await,
    };
    node.faults.admit(port.face().name, Some(&ProcessId::of(&hello))).await?;
    let (end, state) = match prepare(&hello, port, Manner::Frames) {
        Ok(prepared) => prepared,
        Err(violation) => return refuse(socket, reject_of(violation), caller).await,
    };
    let answer = Answer::Welcome(node.hello(port.face(), Some(hello.port.clone()), hello.codec, end));
    send(socket, &answer).await?;
    Ok((Met { peer: node.peer(&hello, socket.peer_address()), hello, lines: None }, state))
}

/// Tells a caller without TLS that it needs it, when it has said its hello: it listens then.
pub(super) async fn refuse_plain<T>(socket: &Socket) -> Result<T, HandshakeError> {
    let reason = "this address takes `tls://` only, and the caller does not encrypt".to_owned();
    let first = first_byte(socket).await?;
    if lines::may_begin(first) {
        socket.write_all(&lines::error_line(&reason)).await?;
        let reject = Reject { code: RejectCode::Identity, reason };
        return Err(HandshakeError::Refusing(reject, "a caller that sends lines".to_owned()));
    }
    let whom = match receive_after::<Hello>(socket, &[first]).await? {
        Ok(hello) => format!("{}.{}, port `{}`", hello.service, hello.member, hello.port),
        Err(_) => "a caller".to_owned(),
    };
    refuse(socket, Reject { code: RejectCode::Identity, reason }, whom).await
}

/// A peer must be who its certificate says, where it had to show one.
fn check_identity(socket: &Socket, hello: &Hello) -> Result<(), Reject> {
    let says = identity_of(&hello.deployment, &hello.service, hello.member);
    match socket.peer_identity() {
        Some(identity) if identity != says => {
            let reason = format!("the peer says that it is `{says}`, and its certificate is for `{identity}`");
            Err(Reject { code: RejectCode::Identity, reason })
        }
        _ => Ok(()),
    }
}

/// Leaves a peer that has welcomed us, and says why.
async fn goodbye(socket: &Socket, reason: &str) -> io::Result<()> {
    let mut frame = FrameHeader::new(FrameKind::Goodbye, reason.len()).bytes().to_vec();
    frame.extend_from_slice(reason.as_bytes());
    socket.write_all(&frame).await
}

/// Makes a refusal of what the link's state says against the peer.
pub(super) fn reject_of(violation: Violation) -> Reject {
    let code = if violation == Violation::Superseded { RejectCode::Superseded } else { RejectCode::Malformed };
    Reject { code, reason: violation.to_string() }
}

async fn refuse<T>(socket: &Socket, reject: Reject, whom: String) -> Result<T, HandshakeError> {
    send(socket, &Answer::Reject(reject.clone())).await?;
    Err(HandshakeError::Refusing(reject, whom))
}

/// Finds the port a caller means, or says why there is none.
pub(super) fn judge<'a>(node: &Node, hello: &Hello, ports: &'a [PortHub]) -> Result<&'a PortHub, Reject> {
    let reject = |code, reason| Err(Reject { code, reason });
    if node.stopping.get() {
        return reject(RejectCode::Stopping, "the program is stopping".to_owned());
    }
    if hello.deployment != node.deployment {
        let reason = format!("this is deployment `{}`, not `{}`", node.deployment, hello.deployment);
        return reject(RejectCode::Deployment, reason);
    }
    let wanted = if hello.sends { Direction::Input } else { Direction::Output };
    let fitting: Vec<&PortHub> = ports.iter().filter(|port| port.face().direction == wanted).collect();
    let port = match (&hello.peer_port, fitting.as_slice()) {
        (None, [port]) => *port,
        (None, _) => {
            let reason = format!("name one of the {}s here: {}", wanted.word(), names(&fitting));
            return reject(RejectCode::Port, reason);
        }
        (Some(name), _) => match ports.iter().find(|port| port.face().name == name) {
            Some(port) if port.face().direction == wanted => port,
            Some(_) => return reject(RejectCode::Port, format!("`{name}` is no {}", wanted.word())),
            None => {
                let reason = format!("there is no port `{name}`; the {}s here are: {}", wanted.word(), names(&fitting));
                return reject(RejectCode::Port, reason);
            }
        },
    };
    if hello.codec == Codec::Binary && hello.fingerprint != port.face().fingerprint {
        return Err(type_mismatch(port.face(), hello));
    }
    Ok(port)
}

fn names(ports: &[&PortHub]) -> String {
    if ports.is_empty() {
        return "none".to_owned();
    }
    ports.iter().map(|port| port.face().name).collect::<Vec<_>>().join(", ")
}

fn type_mismatch(face: &PortFace, hello: &Hello) -> Reject {
    let reason = format!(
        "{} `{}` has items of type `{}`, its peer `{}.{}` has `{}`",
        face.direction.word(),
        face.name,
        face.type_name,
        hello.service,
        hello.port,
        hello.type_name,
    );
    Reject { code: RejectCode::Type, reason: reason.chars().take(TYPE_REASON_CHARS).collect() }
}

/// Two long type names would not fit into a handshake message.
const TYPE_REASON_CHARS: usize = 900;

async fn first_byte(socket: &Socket) -> io::Result<u8> {
    let mut byte = [0];
    socket.read_exact(&mut byte).await?;
    Ok(byte[0])
}

async fn send<T: Serialize>(socket: &Socket, message: &T) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    let mut bytes = preamble(json.len()).to_vec();
    bytes.extend_from_slice(&json);
    socket.write_all(&bytes).await
}

/// How a connection with TLS begins.
const TLS_BEGIN: [u8; 2] = [0x16, 3];

/// Reads one message. The inner error is what to answer to bytes that are none of ours.
async fn receive<T: DeserializeOwned>(socket: &Socket) -> io::Result<Result<T, Reject>> {
    receive_after(socket, &[]).await
}

/// Reads one message of which `begun` is read already.
async fn receive_after<T: DeserializeOwned>(socket: &Socket, begun: &[u8]) -> io::Result<Result<T, Reject>> {
    let mut bytes = [0; PREAMBLE_BYTES];
    let (head, tail) = bytes.split_at_mut(begun.len());
    head.copy_from_slice(begun);
    socket.read_exact(tail).await?;
    let malformed = |reason: String| Ok(Err(Reject { code: RejectCode::Malformed, reason }));
    let Some((version, length)) = parse_preamble(bytes) else {
        if bytes.starts_with(&TLS_BEGIN) {
            let reason = "this address does not take `tls://`, and the caller encrypts".to_owned();
            return Ok(Err(Reject { code: RejectCode::Identity, reason }));
        }
        return malformed("these bytes are no hydro handshake".to_owned());
    };
    if version != PROTOCOL_VERSION {
        let reason =
            format!("link protocol version {version}, not {PROTOCOL_VERSION}: build both programs with one release");
        return Ok(Err(Reject { code: RejectCode::Version, reason }));
    }
    let mut json = vec![0; length];
    socket.read_exact(&mut json).await?;
    match serde_json::from_slice(&json) {
        Ok(message) => Ok(Ok(message)),
        Err(error) => malformed(format!("unreadable handshake: {error}")),
    }
}
