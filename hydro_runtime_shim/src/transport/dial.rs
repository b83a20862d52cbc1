//! Calling a peer once; calling again is the link's affair.

use std::io;

use tokio::net::{TcpStream, UnixStream};

use super::Socket;
use super::queue::QueueStream;
use super::shm::{self, SetupError};
use crate::contract::Transport;

/// A connection that was made.
#[derive(Debug)]
pub(crate) struct Dialed {
    /// The connection.
    pub(crate) socket: Socket,
    /// Why it is another one than was asked for, where it is; for the user.
    pub(crate) remark: Option<String>,
}

/// Connects to where the endpoint points. What `tls://` encrypts is left to [`Socket::secured`].
///
/// # Errors
/// What the system says.
pub(crate) async fn connect(transport: &Transport) -> io::Result<Dialed> {
    let socket = match transport {
        Transport::Tcp { host, port } | Transport::Tls { host, port } => {
            Socket::tcp(TcpStream::connect((host.as_str(), *port)).await?)?
        }
        Transport::Unix { path } => Socket::Unix(UnixStream::connect(path).await?),
        Transport::Shm { path } => match shm::dial(UnixStream::connect(path).await?).await {
            Ok(stream) => Socket::Shm(stream),
            Err(SetupError::Broken(error)) => return Err(error),
            Err(SetupError::Unable(reason)) => {
                let socket = Socket::Unix(UnixStream::connect(path).await?);
                let remark = format!("no shared memory, a Unix socket instead: {reason}");
                return Ok(Dialed { socket, remark: Some(remark) });
            }
        },
        Transport::Queue { name } => Socket::Queue(QueueStream::dial(name)?),
        Transport::Null | Transport::Stdio => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "this is no place that a socket can have"));
        }
    };
    Ok(Dialed { socket, remark: None })
}
