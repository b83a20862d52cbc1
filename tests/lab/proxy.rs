//! A stretch of network between two programs whose connections can be reset.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Passes bytes on between whoever connects and one address.
pub(super) struct Proxy {
    address: SocketAddr,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    budget: Budget,
}

/// How many more bytes of callers are passed on before all connections are reset; negative: it has been so, and all goes well from now on.
type Budget = Arc<AtomicI64>;

impl Proxy {
    /// Starts one for an address.
    pub(super) fn to(target: &str) -> Self {
        Self::begin(None, target)
    }

    /// Starts one within a network namespace of this name.
    pub(super) fn within(namespace: &str, target: &str) -> Self {
        Self::begin(Some(PathBuf::from("/run/netns").join(namespace)), target)
    }

    fn begin(namespace: Option<PathBuf>, target: &str) -> Self {
        let streams: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let budget = Budget::new(AtomicI64::new(-1));
        let (target, shared, passes) = (target.to_owned(), Arc::clone(&streams), Arc::clone(&budget));
        let (sender, bound) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            if let Some(namespace) = namespace {
                let network = std::fs::File::open(namespace).expect("was made");
                // Only this thread goes there, and what it opens stays there.
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may");
            }
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            sender.send(listener.local_addr().expect("is bound")).expect("is waited for");
            for near in listener.incoming().map_while(Result::ok) {
                // While nobody listens there, whoever calls us is hung up on and calls again.
                let Ok(far) = TcpStream::connect(&target) else { continue };
                for stream in [&near, &far] {
                    stream.set_nodelay(true).expect("is open");
                    shared.lock().expect("nobody panicked").push(stream.try_clone().expect("is open"));
                }
                let pair = |stream: &TcpStream| stream.try_clone().expect("is open");
                let (back_near, back_far) = (pair(&near), pair(&far));
                let (streams, passes) = (Arc::clone(&shared), Arc::clone(&passes));
                std::thread::spawn(move || pass(near, far, |count| spend(&passes, count, &streams)));
                std::thread::spawn(move || pass(back_far, back_near, |_| true));
            }
        });
        let address = bound.recv().expect("it listens");
        Self { address, streams, budget }
    }

    /// Resets all connections when callers have sent so many more bytes; those that come after that are left alone.
    pub(super) fn reset_after(&self, bytes: i64) {
        self.budget.store(bytes, Ordering::SeqCst);
    }

    /// Whether that has come to pass.
    pub(super) fn was_reset(&self) -> bool {
        self.budget.load(Ordering::SeqCst) < 0
    }

    /// Returns its own address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resets all connections: what is on its way is gone.
    pub(super) fn reset(&self) {
        reset(&self.streams);
    }
}

fn reset(streams: &Mutex<Vec<TcpStream>>) {
    for stream in std::mem::take(&mut *streams.lock().expect("nobody panicked")) {
        // Without a linger time the system sends a reset in place of an orderly end.
        let socket = rustix::net::sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO));
        socket.expect("is open");
        let _ = stream.shutdown(Shutdown::Both);
    }
}

/// Takes bytes off the budget, and resets everything where it ends; returns whether they may go on.
fn spend(budget: &AtomicI64, count: usize, streams: &Mutex<Vec<TcpStream>>) -> bool {
    let count = i64::try_from(count).expect("a small number");
    let left = |left: i64| (left >= 0).then(|| left - count);
    match budget.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left) {
        Ok(before) if before < count => {
            reset(streams);
            false
        }
        _ => true,
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, may_go_on: impl Fn(usize) -> bool) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !may_go_on(count) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
