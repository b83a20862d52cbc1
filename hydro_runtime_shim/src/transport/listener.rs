//! A listening socket: inherited where there is one, bound anew otherwise.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use tokio::net::{TcpListener, UnixListener};

use super::queue::QueueListener;
use super::{Callers, Socket};
use crate::contract::Transport;

/// A listening socket that was handed over.
#[derive(Debug)]
pub(crate) enum Inherited {
    /// TCP.
    Tcp {
        /// The socket, not blocking.
        listener: std::net::TcpListener,
        /// Its address.
        address: SocketAddr,
    },
    /// Unix.
    Unix {
        /// The socket, not blocking.
        listener: std::os::unix::net::UnixListener,
        /// Its path.
        path: PathBuf,
    },
}

impl Inherited {
    /// Tells whether the endpoint is what the socket was made for.
    pub(crate) fn serves(&self, transport: &Transport) -> bool {
        matches(self, transport)
    }
}

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Listener {
    /// TCP.
    Tcp(TcpListener),
    /// Unix.
    Unix {
        /// The socket.
        listener: UnixListener,
        /// The file that goes away with it; none: whoever handed the socket over looks after it.
        file: Option<PathBuf>,
        /// Who may call; none: whoever can.
        callers: Option<Callers>,
    },
    /// A name in this process.
    Queue(QueueListener),
}

impl Listener {
    /// Listens where the endpoint says; takes the inherited socket of that address, if there is one.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn open(transport: &Transport, inherited: &mut Vec<Inherited>) -> io::Result<Self> {
        if let Some(position) = inherited.iter().position(|socket| matches(socket, transport)) {
            return match inherited.swap_remove(position) {
                Inherited::Tcp { listener, .. } => Ok(Self::Tcp(TcpListener::from_std(listener)?)),
                Inherited::Unix { listener, path } => {
                    let listener = UnixListener::from_std(listener)?;
                    Ok(Self::Unix { listener, file: None, callers: Callers::of_folder(&path).ok().flatten() })
                }
            };
        }
        match transport {
            Transport::Tcp { host, port } | Transport::Tls { host, port } => {
                Ok(Self::Tcp(TcpListener::bind((host.as_str(), *port)).await?))
            }
            Transport::Unix { path } | Transport::Shm { path } => {
                remove_stale(path).await?;
                let listener = UnixListener::bind(path)?;
                Ok(Self::Unix { listener, file: Some(path.clone()), callers: Callers::of_folder(path)? })
            }
            Transport::Queue { name } => Ok(Self::Queue(QueueListener::open(name)?)),
            Transport::Null | Transport::Stdio => {
                Err(io::Error::new(io::ErrorKind::Unsupported, "this is no place that a socket can have"))
            }
        }
    }

    /// Returns the TCP address; Unix sockets have none.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix { .. } | Self::Queue(_) => None,
        }
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// What the system says; the listener stays usable.
    pub(crate) async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => Socket::tcp(listener.accept().await?.0),
            Self::Unix { listener, callers, .. } => {
                let stream = listener.accept().await?.0;
                let user = stream.peer_cred()?.uid();
                if callers.is_some_and(|callers| !callers.may(user)) {
                    let reason = format!("a caller of the user {user} was turned away: the folder is somebody else's");
                    return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
                }
                Ok(Socket::Unix(stream))
            }
            Self::Queue(listener) => listener.accept().await.map(Socket::Queue),
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => write!(f, "tcp://{address}"),
                Err(_) => f.write_str("tcp"),
            },
            Self::Unix { file, .. } => {
                write!(f, "unix:{}", file.as_deref().unwrap_or("(inherited)".as_ref()).display())
            }
            Self::Queue(listener) => write!(f, "queue:{}", listener.name()),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix { file: Some(path), .. } = self {
            // Whatever goes wrong here leaves a stale file, which the next start replaces.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn matches(socket: &Inherited, transport: &Transport) -> bool {
    match (socket, transport) {
        (Inherited::Unix { path, .. }, transport) => transport.socket_path() == Some(path),
        (Inherited::Tcp { address, .. }, Transport::Tcp { host, port } | Transport::Tls { host, port }) => {
            // A socket on all addresses serves each of them.
            address.port() == *port
                && (address.ip().is_unspecified()
                    || (host.as_str(), *port)
                        .to_socket_addrs()
                        .is_ok_and(|mut found| found.any(|other| other == *address)))
        }
        _ => false,
    }
}

/// Removes the file that a killed program left behind; a socket that somebody still answers on is left alone.
async fn remove_stale(path: &PathBuf) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file is there and is no socket"));
        }
        Ok(_) => {}
        Err(_) => return Ok(()),
    }
    match tokio::net::UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        _ => Err(io::ErrorKind::AddrInUse.into()),
    }
}
