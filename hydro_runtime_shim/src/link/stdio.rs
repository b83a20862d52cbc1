//! Standard input and output at a program's ports, as lines of JSON: a program in a shell's pipe, or a child whose parent speaks through pipes.
//!
//! Pipes cannot be waited for like sockets, so a thread copies between them and one end of a socket pair; the other end is a link like any other.

use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::thread::JoinHandle;

use super::faults::Effect;
use super::handshake::Met;
use super::incoming::Incoming;
use super::input_hub::Arrival;
use super::lines;
use super::wire::Wire;
use super::writer::{Listening, write_out};
use super::{InputHub, Node, OutputHub, PortHub};
use crate::transport::Socket;

/// The thread that copies what a program says; when it ends, everything is said.
pub(crate) type Copying = JoinHandle<()>;

/// Joins the port to standard input or output. Returns the thread to wait for at the end.
///
/// # Errors
/// The system gives no sockets or no thread.
pub(crate) fn attach_stdio(node: &Rc<Node>, port: &PortHub) -> io::Result<Option<Copying>> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let socket = Wire::new(Socket::Unix(tokio::net::UnixStream::from_std(ours)?), Effect::default());
    match port {
        PortHub::Input(hub) => {
            spawn("stdin", move || copy_in(theirs))?;
            take_lines(node, hub, socket);
            Ok(None)
        }
        PortHub::Output(hub) => {
            let copying = spawn("stdout", move || copy_out(theirs))?;
            give_lines(node, hub, socket);
            Ok(Some(copying))
        }
    }
}

fn spawn(name: &str, copy: impl FnOnce() + Send + 'static) -> io::Result<Copying> {
    std::thread::Builder::new().name(name.to_owned()).stack_size(128 << 10).spawn(copy)
}

/// Passes standard input on, to its end.
fn copy_in(mut to: UnixStream) {
    // Either end may break off; nobody is left to tell then.
    let _ = io::copy(&mut io::stdin().lock(), &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Passes on to standard output what comes, to its end.
fn copy_out(mut from: UnixStream) {
    let _ = io::copy(&mut from, &mut io::stdout());
    let _ = io::stdout().flush();
}

fn take_lines(node: &Node, hub: &InputHub, socket: Rc<Wire>) {
    let link = Incoming::new(hub.face.name, None);
    let hello = lines::hello(node, "stdio", None, true);
    if let Ok((connection, _)) = link.begin(&hello) {
        let met = Met { peer: node.peer(&hello, None), hello, lines: Some(Vec::new()) };
        drop(hub.arrive(node, Arrival::new(&link, connection, socket, met)));
    }
}

fn give_lines(node: &Node, hub: &Rc<OutputHub>, socket: Rc<Wire>) {
    let queue = hub.queue_of_lines();
    hub.adopt(&queue);
    let hello = lines::hello(node, "stdio", None, false);
    if queue.begin(None, false).is_ok() {
        let connection = queue.connect(Rc::clone(&socket), node.peer(&hello, None));
        hub.changed();
        let hub = Rc::clone(hub);
        tokio::task::spawn_local(async move {
            write_out(&queue, &socket, connection, Listening::Nothing).await;
            hub.remove(&queue);
        });
    }
}
