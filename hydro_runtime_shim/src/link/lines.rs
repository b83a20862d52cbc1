//! Peers without a handshake: lines of JSON in, lines of JSON out, so that `nc` or ten lines of Python can be at the other end of a port.
//!
//! The first byte tells them from all others. A first line `@PORT` says which port is meant, and must when a listener has several inputs or the port is
//! an output; without it the lines go into the only input. What goes wrong is told in a last line, `{"error": …}`.

use super::handshake::{HandshakeError, Manner, Met, judge, reject_of};
use super::{LinkEnd, Node, PortHub, now_nanos};
use crate::contract::{Codec, Direction, Hello, Reject, RejectCode};
use crate::protocol::Violation;
use crate::transport::Socket;

/// A line that names a port may not be longer.
const NAME_BYTES: usize = 256;

/// Tells whether a peer without a handshake may begin so: with a JSON text, with space before one, or with `@`.
pub(super) fn may_begin(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n' | b'@') || byte.is_ascii_whitespace()
}

/// Returns the line that tells such a peer why it is cut off.
pub(super) fn error_line(reason: &str) -> Vec<u8> {
    let mut line = serde_json::json!({ "error": reason }).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// Answers such a peer, whose first byte is `first`.
pub(super) async fn welcome<State>(
    node: &Node,
    socket: &Socket,
    ports: &[PortHub],
    first: u8,
    prepare: impl FnOnce(&Hello, &PortHub, Manner) -> Result<(LinkEnd, State), Violation>,
) -> Result<(Met, State), HandshakeError> {
    let (name, begun) = if first == b'@' { (Some(read_name(socket).await?), vec![]) } else { (None, vec![first]) };
    let named = name.as_ref().and_then(|name| ports.iter().find(|port| port.face().name == name));
    let sends = named.is_none_or(|port| port.face().direction == Direction::Input);
    let hello = hello(node, "lines", name, sends);
    let prepared = judge(node, &hello, ports).and_then(|port| prepare(&hello, port, Manner::Lines).map_err(reject_of));
    match prepared {
        Ok((_, state)) => {
            Ok((Met { peer: node.peer(&hello, socket.peer_address()), hello, lines: Some(begun) }, state))
        }
        Err(Reject { code, reason }) => {
            let hint = if code == RejectCode::Port { "; begin with a line `@PORT`" } else { "" };
            socket.write_all(&error_line(&format!("{reason}{hint}"))).await?;
            Err(HandshakeError::Refusing(Reject { code, reason }, "a caller that sends lines".to_owned()))
        }
    }
}

/// Returns what such a peer would say of itself; `name` is the port it means.
pub(super) fn hello(node: &Node, service: &str, name: Option<String>, sends: bool) -> Hello {
    Hello {
        deployment: node.deployment.clone(),
        service: service.to_owned(),
        member: 0,
        address: None,
        epoch: now_nanos(),
        port: name.clone().unwrap_or_default(),
        peer_port: name,
        sends,
        type_name: String::new(),
        fingerprint: 0,
        codec: Codec::Json,
        named: false,
        offers: None,
        grants: None,
    }
}

async fn read_name(socket: &Socket) -> std::io::Result<String> {
    let mut name = Vec::new();
    let mut byte = [0];
    while name.len() < NAME_BYTES {
        socket.read_exact(&mut byte).await?;
        if byte == [b'\n'] {
            break;
        }
        name.extend(byte);
    }
    Ok(String::from_utf8_lossy(&name).trim().to_owned())
}
