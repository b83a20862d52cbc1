//! Two threads of one process: bytes through a queue of this process, and beside them parcels, which are items that are handed over as they are.
//!
//! Who listens is known by a name within the process. Knows no frames; it is one more kind of socket, so that whatever holds for links holds for these.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::parcels::Parcels;

/// Bytes that wait in one direction at most; whoever writes more waits.
const CAPACITY: usize = 256 << 10;
/// A writer that found the queue full goes on when this share of it is free, not at each byte.
const FREE_SHARE: usize = 4;

/// Who listens in this process, by name.
static LISTENERS: Mutex<BTreeMap<String, UnboundedSender<QueueStream>>> = Mutex::new(BTreeMap::new());

/// One end of a connection between two threads.
#[derive(Debug)]
pub(crate) struct QueueStream {
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
    shared: Arc<Shared>,
    /// Which of the two ends it is.
    end: usize,
}

/// What both ends see.
#[derive(Debug, Default)]
struct Shared {
    /// The type of the items of each end's port; none: they cannot leave their thread.
    items: [OnceLock<Option<TypeId>>; 2],
    parcels: OnceLock<Arc<Parcels>>,
}

/// Bytes on their way in one direction.
#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: VecDeque<u8>,
    is_closed: bool,
    readers: Vec<Waker>,
    writers: Vec<Waker>,
}

impl QueueStream {
    /// Makes the two ends of a connection; the first is the caller's.
    pub(crate) fn pair() -> (Self, Self) {
        let (there, back, shared) = (Arc::new(Pipe::default()), Arc::new(Pipe::default()), Arc::new(Shared::default()));
        let caller =
            Self { incoming: Arc::clone(&back), outgoing: Arc::clone(&there), shared: Arc::clone(&shared), end: 0 };
        (caller, Self { incoming: there, outgoing: back, shared, end: 1 })
    }

    /// Calls who listens by that name.
    ///
    /// # Errors
    /// Nobody does.
    pub(crate) fn dial(name: &str) -> io::Result<Self> {
        let (caller, callee) = Self::pair();
        let nobody = || {
            let reason = format!("nothing in this process is called `{name}`");
            io::Error::new(io::ErrorKind::ConnectionRefused, reason)
        };
        listeners().get(name).ok_or_else(nobody)?.send(callee).map_err(|_| nobody())?;
        Ok(caller)
    }

    /// Says what type the items of this end's port have; none: they cannot leave their thread. To be said before the handshake's words.
    pub(crate) fn carries(&self, items: Option<TypeId>) {
        // It is said once; who says it again says the same.
        let _ = self.shared.items[self.end].set(items);
    }

    /// Tells whether both ends' items have one type and may be handed over as they are. Known when the handshake is over.
    pub(crate) fn agrees(&self) -> bool {
        let [ours, theirs] = [self.end, 1 - self.end].map(|end| self.shared.items[end].get().copied().flatten());
        ours.is_some() && ours == theirs
    }

    /// Says where the link's parcels are.
    pub(crate) fn show(&self, parcels: &Arc<Parcels>) {
        let _ = self.shared.parcels.set(Arc::clone(parcels));
    }

    /// Returns where the link's parcels are.
    pub(crate) fn parcels(&self) -> Option<Arc<Parcels>> {
        self.shared.parcels.get().cloned()
    }

    /// Reads what is there; 0: the other end is gone.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.incoming.lock();
        let count = buffer.len().min(state.bytes.len());
        if count == 0 && !buffer.is_empty() && !state.is_closed {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let (front, back) = state.bytes.as_slices();
        let first = front.len().min(count);
        buffer[..first].copy_from_slice(&front[..first]);
        buffer[first..count].copy_from_slice(&back[..count - first]);
        state.bytes.drain(..count);
        let woken = if state.has_room() { std::mem::take(&mut state.writers) } else { Vec::new() };
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        Ok(count)
    }

    /// Writes what there is room for.
    pub(crate) fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.outgoing.lock();
        if state.is_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let before = state.bytes.len();
        for piece in pieces {
            let room = CAPACITY.saturating_sub(state.bytes.len());
            state.bytes.extend(&piece[..piece.len().min(room)]);
        }
        let count = state.bytes.len() - before;
        if count == 0 && pieces.iter().any(|piece| !piece.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let woken = std::mem::take(&mut state.readers);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        Ok(count)
    }

    /// Tells whether there is something to read, or wakes the task when there is.
    pub(crate) fn poll_readable(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.incoming.lock();
        if state.is_closed || !state.bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        wait(&mut state.readers, context.waker());
        Poll::Pending
    }

    /// Waits until there is something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        std::future::poll_fn(|context| self.poll_readable(context)).await
    }

    /// Waits until there is room.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        std::future::poll_fn(|context| {
            let mut state = self.outgoing.lock();
            if state.is_closed || state.has_room() {
                return Poll::Ready(Ok(()));
            }
            wait(&mut state.writers, context.waker());
            Poll::Pending
        })
        .await
    }
}

impl Drop for QueueStream {
    fn drop(&mut self) {
        self.incoming.close();
        self.outgoing.close();
    }
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let woken = std::mem::take(&mut state.readers).into_iter().chain(std::mem::take(&mut state.writers));
        drop(state);
        woken.for_each(Waker::wake);
    }
}

impl State {
    fn has_room(&self) -> bool {
        CAPACITY - self.bytes.len() >= CAPACITY / FREE_SHARE
    }
}

/// Two tasks of one end may wait for the same; each is noted once.
fn wait(wakers: &mut Vec<Waker>, waker: &Waker) {
    if !wakers.iter().any(|known| known.will_wake(waker)) {
        wakers.push(waker.clone());
    }
}

fn listeners() -> MutexGuard<'static, BTreeMap<String, UnboundedSender<QueueStream>>> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name by which other threads of the process can call.
#[derive(Debug)]
pub(crate) struct QueueListener {
    name: String,
    callers: RefCell<UnboundedReceiver<QueueStream>>,
}

impl QueueListener {
    /// Listens by that name.
    ///
    /// # Errors
    /// Somebody else does.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        let mut listeners = listeners();
        if listeners.contains_key(name) {
            let reason = format!("something else in this process is called `{name}`");
            return Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
        }
        let (caller, callers) = unbounded_channel();
        listeners.insert(name.to_owned(), caller);
        Ok(Self { name: name.to_owned(), callers: RefCell::new(callers) })
    }

    /// Returns the name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits for the next caller.
    pub(crate) async fn accept(&self) -> io::Result<QueueStream> {
        let next = std::future::poll_fn(|context| self.callers.borrow_mut().poll_recv(context)).await;
        // Our own entry keeps the channel open.
        next.ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl Drop for QueueListener {
    fn drop(&mut self) {
        listeners().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::run::tests::local;

    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Wake for Counting {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn write(stream: &QueueStream, bytes: &[u8]) -> io::Result<usize> {
        stream.try_write_vectored(&[IoSlice::new(bytes)])
    }

    #[test]
    fn bytes_come_in_order_however_they_are_cut_and_no_more_than_there_is_room_for() {
        let (one, other) = QueueStream::pair();
        let text: Vec<u8> = (0..CAPACITY * 3).map(|place| (place % 251) as u8).collect();
        let (mut sent, mut got, mut buffer) = (0, Vec::new(), vec![0; 70_001]);
        while got.len() < text.len() {
            while sent < text.len() {
                match write(&one, &text[sent..text.len().min(sent + 99_991)]) {
                    Ok(count) => sent += count,
                    Err(error) => {
                        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                        break;
                    }
                }
            }
            assert!(sent - got.len() <= CAPACITY);
            let count = other.try_read(&mut buffer).unwrap();
            got.extend_from_slice(&buffer[..count]);
        }
        assert!(got == text);
        assert_eq!(other.try_read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn the_end_is_told_behind_what_was_sent_and_to_those_who_wait() {
        let (one, other) = QueueStream::pair();
        let (count, mut buffer) = (Arc::new(Counting::default()), [0; 8]);
        let waker = Waker::from(Arc::clone(&count));
        write(&one, b"last").unwrap();
        assert!(other.poll_readable(&Context::from_waker(&waker)).is_ready());
        assert_eq!(other.try_read(&mut buffer).unwrap(), 4);
        for _ in 0..3 {
            assert!(other.poll_readable(&Context::from_waker(&waker)).is_pending());
        }
        drop(one);
        assert_eq!(count.0.load(Ordering::Relaxed), 1, "one task is woken once");
        assert_eq!(other.try_read(&mut buffer).unwrap(), 0);
        assert_eq!(write(&other, b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_thread_that_waits_is_woken_by_another_and_a_full_queue_lets_it_wait() {
        let (one, other) = QueueStream::pair();
        let total = CAPACITY * 8;
        let writer = std::thread::spawn(move || {
            local(async {
                let mut sent = 0;
                while sent < total {
                    match write(&one, &vec![7; (total - sent).min(60 << 10)]) {
                        Ok(count) => sent += count,
                        Err(_) => one.writable().await.unwrap(),
                    }
                }
            });
        });
        local(async {
            let (mut got, mut buffer) = (0, vec![0; 9_999]);
            while got < total {
                match other.try_read(&mut buffer) {
                    Ok(count) => got += count,
                    Err(_) => other.readable().await.unwrap(),
                }
            }
        });
        writer.join().unwrap();
    }

    #[test]
    fn names_are_called_while_somebody_listens() {
        local(async {
            let listener = QueueListener::open("names-are-called").unwrap();
            assert_eq!(QueueListener::open("names-are-called").unwrap_err().kind(), io::ErrorKind::AddrInUse);
            let caller = QueueStream::dial("names-are-called").unwrap();
            let callee = listener.accept().await.unwrap();
            write(&caller, b"hello").unwrap();
            assert_eq!(callee.try_read(&mut [0; 9]).unwrap(), 5);
            drop(listener);
            let error = QueueStream::dial("names-are-called").unwrap_err();
            assert_eq!(error.to_string(), "nothing in this process is called `names-are-called`");
        });
    }

    #[test]
    fn items_are_handed_over_only_where_both_ends_have_the_same_type_that_may_leave_its_thread() {
        let agrees = |ours, theirs| {
            let (one, other) = QueueStream::pair();
            assert!(!one.agrees());
            one.carries(ours);
            other.carries(theirs);
            one.agrees() && other.agrees()
        };
        let (number, text) = (Some(TypeId::of::<u64>()), Some(TypeId::of::<String>()));
        assert!(agrees(number, number));
        assert!(!agrees(number, text) && !agrees(None, None) && !agrees(None, number));
    }
}
