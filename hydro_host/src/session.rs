//! One caller: reads its requests, hands them to the main thread, and sends it events.
//!
//! A thread of its own serves each caller. Knows nothing of members.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::journal::Journal;
use crate::serve::Order;
use crate::words::{Answer, Ask, Line, Request};

/// Who does not take a line for so long is gone.
const WRITE_TIME: Duration = Duration::from_secs(20);

/// The way back to a caller. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) id: u64,
    stream: Arc<Mutex<UnixStream>>,
}

impl Caller {
    /// Answers a request. Where nobody reads any more, its reader hears of it.
    pub(crate) fn answer(&self, id: u64, answer: Answer) {
        let _ = self.write(&Line::Reply { id, answer });
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).write_all(&text)
    }
}

/// Serves a caller until it goes.
pub(crate) fn serve(stream: UnixStream, id: u64, orders: &Sender<Order>, journal: &Arc<Journal>) {
    let Ok(reading) = stream.set_write_timeout(Some(WRITE_TIME)).and_then(|()| stream.try_clone()) else { return };
    let caller = Caller { id, stream: Arc::new(Mutex::new(stream)) };
    let (mut is_known, is_gone) = (false, Arc::new(AtomicBool::new(false)));
    for line in BufReader::new(reading).lines() {
        let Ok(line) = line else { break };
        let request: Request = match serde_json::from_str(&line) {
            Ok(request) => request,
            Err(error) => {
                caller.answer(0, Answer::Refused { why: format!("this is no request: {error}") });
                continue;
            }
        };
        match request.ask {
            Ask::Follow { from } if is_known => {
                caller.answer(request.id, Answer::Done {});
                // Beside the reader, which sees when the caller goes.
                let (caller, journal, is_gone) = (caller.clone(), Arc::clone(journal), Arc::clone(&is_gone));
                std::thread::spawn(move || {
                    journal.follow(from, &is_gone, |event| caller.write(&Line::Event(event.clone())).is_ok())
                });
            }
            Ask::Follow { .. } => caller.answer(request.id, Answer::Refused { why: "claim first".to_owned() }),
            ask => {
                // What the claim is worth the main thread says; following needs no more than having asked.
                is_known |= matches!(ask, Ask::Claim(_));
                if orders.send(Order::Ask { caller: caller.clone(), id: request.id, ask }).is_err() {
                    break;
                }
            }
        }
    }
    is_gone.store(true, Ordering::Release);
    let _ = orders.send(Order::Gone { caller: id });
}
