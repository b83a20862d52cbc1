//! A stretch of network between two programs whose connections can be reset.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Passes bytes on between whoever connects and one address.
pub(super) struct Proxy {
    address: SocketAddr,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// Starts one for an address.
    pub(super) fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("is bound");
        let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (target, shared) = (target.to_owned(), Arc::clone(&streams));
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // While nobody listens there, whoever calls us is hung up on and calls again.
                let Ok(far) = TcpStream::connect(&target) else { continue };
                for stream in [&near, &far] {
                    stream.set_nodelay(true).expect("is open");
                    shared.lock().expect("nobody panicked").push(stream.try_clone().expect("is open"));
                }
                let pair = |stream: &TcpStream| stream.try_clone().expect("is open");
                let (back_near, back_far) = (pair(&near), pair(&far));
                std::thread::spawn(move || pass(near, far));
                std::thread::spawn(move || pass(back_far, back_near));
            }
        });
        Self { address, streams }
    }

    /// Returns its own address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections: what is on its way is gone.
    pub(super) fn reset(&self) {
        for stream in std::mem::take(&mut *self.streams.lock().expect("nobody panicked")) {
            // Without a linger time the system sends a reset in place of an orderly end.
            let socket = rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO));
            socket.expect("is open");
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
