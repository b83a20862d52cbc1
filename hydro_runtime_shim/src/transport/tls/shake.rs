//! The TLS handshake: both ends show their certificates before either says anything else.

use std::cell::{Cell, RefCell};
use std::io;

use tokio::net::TcpStream;

use super::Credentials;
use super::credentials::PROTOCOL;
use super::machine::Machine;
use super::stream::{TlsStream, failed, receive, send};
use super::verify::identity;
use crate::contract::MAGIC;
use crate::transport::{Insecure, part};

/// Proves to whom we called who we are, and hears who that is. The peer's refusal of our certificate comes with the first read.
///
/// # Errors
/// [`Insecure`]: one of us does not believe the other. Else what the system says.
pub(crate) async fn connect(stream: TcpStream, credentials: &Credentials) -> io::Result<TlsStream> {
    let mut machine = Machine::client(&credentials.configs()).map_err(|error| failed(&error))?;
    let identity = shake(&stream, &mut machine).await?;
    Ok(made(stream, machine, identity))
}

/// Hears from a caller who it is, and proves who we are.
///
/// # Errors
/// As [`connect`].
pub(crate) async fn accept(mut stream: TcpStream, credentials: &Credentials) -> io::Result<TlsStream> {
    let mut machine = Machine::server(&credentials.configs()).map_err(|error| failed(&error))?;
    match shake(&stream, &mut machine).await {
        Ok(identity) => Ok(made(stream, machine, identity)),
        Err(error) => {
            // The caller has shown its certificate last, and may speak already: it shall hear why nobody listens.
            part(&mut stream).await;
            Err(error)
        }
    }
}

fn made(stream: TcpStream, machine: Machine, identity: String) -> TlsStream {
    // What the peer said right behind its last words of the handshake may be here already.
    TlsStream { stream, machine: RefCell::new(machine), identity, more: Cell::new(true) }
}

/// Returns who the peer is.
async fn shake(stream: &TcpStream, machine: &mut Machine) -> io::Result<String> {
    exchange(stream, machine).await?;
    let common = machine.common();
    let peer = common.peer_certificates().and_then(<[_]>::first).and_then(identity);
    peer.filter(|_| common.alpn_protocol() == Some(PROTOCOL))
        .ok_or_else(|| Insecure("the peer speaks TLS, but not for links between programs".to_owned()).into())
}

async fn exchange(stream: &TcpStream, machine: &mut Machine) -> io::Result<()> {
    loop {
        let gone_on = machine.go_on();
        let is_plain = gone_on.is_err() && machine.unread().starts_with(&MAGIC);
        if gone_on.is_err() {
            // The alert that tells the peer why.
            let _ = machine.go_on();
        }
        while !send(stream, machine)? {
            stream.writable().await?;
        }
        if is_plain {
            return Err(Insecure("the peer does not speak TLS: both ends must say `tls://`".to_owned()).into());
        }
        gone_on.map_err(|error| failed(&error))?;
        if !machine.common().is_handshaking() {
            return Ok(());
        }
        stream.readable().await?;
        match receive(stream, machine) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
