//! Calling a peer once; calling again is the link's affair.

use std::io;

use tokio::net::{TcpStream, UnixStream};

use super::Socket;
use crate::contract::Transport;

/// Connects to where the endpoint points.
///
/// # Errors
/// What the system says.
pub(crate) async fn connect(transport: &Transport) -> io::Result<Socket> {
    match transport {
        Transport::Tcp { host, port } => Socket::tcp(TcpStream::connect((host.as_str(), *port)).await?),
        Transport::Unix { path } => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        Transport::Null => Err(io::Error::new(io::ErrorKind::Unsupported, "`null` is nowhere")),
    }
}
