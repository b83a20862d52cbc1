//! One connection of a script: requests in, replies out, streams paced by what the script asks for.
//!
//! Knows lines, numbers and tasks; what a request means is [`Session`]'s affair. Read [`serve`] first.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use super::Session;
use super::protocol::{
    Answer, Body, CAPABILITIES, Call, ErrorBody, ErrorKind, Hello, PROTOCOL, Reply, Request, Welcome, read_request,
};
use super::trace::Speaker;
use crate::report::{ExitCode, Failure};

/// Replies that may wait for the script to read; more make their senders wait.
const OUTBOX: usize = 256;

/// A request may not be longer than this, more than the longest item of a link.
const LINE_LIMIT_BYTES: u64 = 128 << 20;

/// The script does not read any more.
#[derive(Debug)]
pub(super) struct Gone;

/// Where the items of one stream go.
#[derive(Clone, Debug)]
pub(super) struct Items {
    id: u64,
    replies: mpsc::Sender<Reply>,
    credit: Rc<Semaphore>,
}

impl Items {
    /// Says how many items may be sent before the script asks for more.
    pub(super) fn begin(&self, ahead: usize) {
        self.allow(ahead);
    }

    /// Sends one item, once the script has room for it.
    pub(super) async fn send(&self, item: String) -> Result<(), Gone> {
        self.credit.acquire().await.map_err(|_| Gone)?.forget();
        self.replies.send(Reply { id: self.id, body: Body::Item(item) }).await.map_err(|_| Gone)
    }

    fn allow(&self, count: usize) {
        let room = Semaphore::MAX_PERMITS - self.credit.available_permits();
        self.credit.add_permits(count.min(room));
    }
}

/// Requests that are being answered, by number.
type Running = Rc<RefCell<BTreeMap<u64, (AbortHandle, Items)>>>;

/// Answers one connection until the script closes it; what still runs for it then is given up.
pub(super) async fn serve(stream: UnixStream, session: Rc<Session>) {
    let (reader, writer) = stream.into_split();
    let (replies, outbox) = mpsc::channel(OUTBOX);
    let mut tasks = JoinSet::new();
    tasks.spawn_local(write(writer, outbox, session.clone()));
    let mut connection = Connection { session, replies, running: Running::default(), tasks, known: false };
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(LINE_LIMIT_BYTES).read_until(b'\n', &mut line).await;
        if !matches!(read, Ok(1..)) || line.last() != Some(&b'\n') {
            return;
        }
        connection.session.note(Speaker::Script, &line);
        if connection.take(&String::from_utf8_lossy(&line)).await.is_err() {
            return;
        }
        // Keeps what is finished from piling up.
        while connection.tasks.try_join_next().is_some() {}
    }
}

struct Connection {
    session: Rc<Session>,
    replies: mpsc::Sender<Reply>,
    running: Running,
    tasks: JoinSet<()>,
    known: bool,
}

impl Connection {
    async fn take(&mut self, line: &str) -> Result<(), Gone> {
        let Request { id, call } = match read_request(line) {
            Ok(request) => request,
            Err(reply) => return self.replies.send(reply).await.map_err(|_| Gone),
        };
        let body = match call {
            Call::Hello(hello) => {
                self.known = self.session.is_own(&hello.session) && hello.protocol == PROTOCOL;
                self.welcome(&hello)
            }
            _ if !self.known => Body::Error(ErrorBody::protocol("the first request must be `hello`")),
            Call::More(more) => {
                if let Some((_, items)) = self.running.borrow().get(&more.stream) {
                    items.allow(more.count);
                }
                Body::Result(Answer::Done(()))
            }
            Call::Cancel(cancel) => {
                if let Some((task, _)) = self.running.borrow_mut().remove(&cancel.request) {
                    task.abort();
                }
                Body::Result(Answer::Done(()))
            }
            call => {
                self.start(id, call);
                return Ok(());
            }
        };
        self.replies.send(Reply { id, body }).await.map_err(|_| Gone)
    }

    fn welcome(&self, hello: &Hello) -> Body {
        if self.known {
            let engine = env!("CARGO_PKG_VERSION");
            return Body::Result(Answer::Welcome(Welcome { protocol: PROTOCOL, engine, capabilities: CAPABILITIES }));
        }
        if hello.protocol == PROTOCOL {
            return Body::Error(ErrorBody::protocol("this script belongs to another session of the engine"));
        }
        Body::Error(ErrorBody::from(other_version(hello)).kind(ErrorKind::Version))
    }

    fn start(&mut self, id: u64, call: Call) {
        let items = Items { id, replies: self.replies.clone(), credit: Rc::new(Semaphore::new(0)) };
        let (session, running, replies) = (self.session.clone(), self.running.clone(), self.replies.clone());
        let for_task = items.clone();
        let task = self.tasks.spawn_local(async move {
            let body = match session.answer(call, for_task).await {
                Ok(answer) => Body::Result(answer),
                Err(error) => Body::Error(error),
            };
            running.borrow_mut().remove(&id);
            // A script that has left needs no answer.
            let _ = replies.send(Reply { id, body }).await;
        });
        self.running.borrow_mut().insert(id, (task, items));
    }
}

/// Another release's package was found before the one that the engine brings.
fn other_version(hello: &Hello) -> Failure {
    let client = hello.client.as_deref().unwrap_or("client");
    let version = hello.version.as_deref().unwrap_or("of an unknown version");
    let message = format!(
        "the {client} package ({version}) speaks version {} of the script protocol, and this engine ({}) version {PROTOCOL}",
        hello.protocol,
        env!("CARGO_PKG_VERSION"),
    );
    Failure::new(ExitCode::Usage, message).hint(
        "`hydro run SCRIPT` brings a package that fits: remove the other one, or install one of the engine's version",
    )
}

async fn write(mut writer: OwnedWriteHalf, mut outbox: mpsc::Receiver<Reply>, session: Rc<Session>) {
    let mut bytes = Vec::new();
    let mut replies = Vec::new();
    while outbox.recv_many(&mut replies, OUTBOX).await > 0 {
        bytes.clear();
        for reply in replies.drain(..) {
            if serde_json::to_writer(&mut bytes, &reply).is_ok() {
                bytes.push(b'\n');
            }
        }
        session.note(Speaker::Engine, &bytes);
        if writer.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
