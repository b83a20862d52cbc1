//! Two rings and the Unix socket they were set up on, as a stream of bytes each way that behaves like a socket.
//!
//! The socket stays open for two reasons: a byte on it wakes an end that sleeps, and its end is the end of the stream, also of a peer that
//! was killed. While both ends are busy there are no system calls.

use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::net::UnixStream;

use super::memory::{Half, Memory, send_byte};
use super::ring::{Consumer, Producer};
use super::watch;

/// Each time one of the two tasks of this end sleeps the other end rings once: a few bells at most are not heard yet.
const MOST_BELLS: usize = 64;

/// A connection through shared memory.
#[derive(Debug)]
pub(crate) struct ShmStream {
    shared: Rc<Shared>,
}

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Read,
    Write,
}

#[derive(Debug)]
pub(super) struct Shared {
    lifeline: UnixStream,
    incoming: Consumer,
    outgoing: Producer,
    /// The other end is gone; what it wrote before can still be read.
    gone: Cell<bool>,
    /// Who waits while the run loop looks at the rings itself.
    waiting: RefCell<Vec<(Wish, Waker)>>,
}

impl ShmStream {
    /// Makes a stream of pages that both ends have; `writes` is the ring that this end writes.
    pub(super) fn new(lifeline: UnixStream, memory: Memory, writes: Half) -> Self {
        let memory = Rc::new(memory);
        let reads = if writes == Half::First { Half::Second } else { Half::First };
        let shared = Rc::new(Shared {
            lifeline,
            incoming: Consumer::new(Rc::clone(&memory), reads),
            outgoing: Producer::new(memory, writes),
            gone: Cell::new(false),
            waiting: RefCell::default(),
        });
        watch::add(&shared);
        Self { shared }
    }

    /// Reads what is there. 0: the other end is gone.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let shared = &*self.shared;
        let mut moved = shared.incoming.read(buffer)?;
        if moved.bytes == 0 && !buffer.is_empty() {
            shared.listen();
            if !shared.gone.get() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            // It is gone, so this look at the ring is the last that is needed.
            moved = shared.incoming.read(buffer)?;
        }
        if moved.wake {
            shared.ring_the_bell();
        }
        Ok(moved.bytes)
    }

    /// Writes what there is room for.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(bytes)])
    }

    /// Writes what there is room for of several pieces.
    pub(crate) fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let shared = &*self.shared;
        if shared.gone.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let moved = shared.outgoing.write(pieces)?;
        if moved.wake {
            shared.ring_the_bell();
        }
        if moved.bytes == 0 && pieces.iter().any(|piece| !piece.is_empty()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(moved.bytes)
    }

    /// Tells whether there may be something to read, or wakes the task when there is.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shared = &*self.shared;
        loop {
            if shared.rests_not(Wish::Read, context.waker()) {
                return Poll::Ready(Ok(()));
            }
            match shared.lifeline.poll_read_ready(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => shared.listen(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Waits until there may be something to read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.shared.wait(Wish::Read).await
    }

    /// Waits until there is room.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.shared.wait(Wish::Write).await
    }
}

impl Shared {
    fn is_ready(&self, wish: Wish) -> bool {
        self.gone.get()
            || match wish {
                Wish::Read => self.incoming.is_ready(),
                Wish::Write => self.outgoing.is_ready(),
            }
    }

    /// Goes to sleep, as the run loop waits; true: there is no need to.
    fn rests_not(&self, wish: Wish, waker: &Waker) -> bool {
        if self.is_ready(wish) {
            return true;
        }
        if !watch::is_awake() {
            return self.sleep(wish);
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|(other, known)| *other == wish && known.will_wake(waker)) {
            waiting.push((wish, waker.clone()));
        }
        false
    }

    /// Asks the other end to ring the bell; true: there is no need to.
    fn sleep(&self, wish: Wish) -> bool {
        match wish {
            Wish::Read => self.incoming.sleep(),
            Wish::Write => self.outgoing.sleep(),
        }
    }

    async fn wait(&self, wish: Wish) -> io::Result<()> {
        loop {
            let mut bell = pin!(self.lifeline.readable());
            let rung = std::future::poll_fn(|context| {
                if self.rests_not(wish, context.waker()) {
                    return Poll::Ready(Ok(false));
                }
                bell.as_mut().poll(context).map_ok(|()| true)
            });
            if !rung.await? {
                return Ok(());
            }
            self.listen();
        }
    }

    /// Takes the bell's bytes away, and hears whether the other end is gone. One that rings without end keeps us from our work, and is gone, too.
    fn listen(&self) {
        let (mut bells, mut heard) = ([0; MOST_BELLS], 0);
        while !self.gone.get() {
            match self.lifeline.try_read(&mut bells) {
                Ok(count @ 1..) => heard += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => self.gone.set(true),
            }
            if heard >= MOST_BELLS {
                self.gone.set(true);
            }
        }
    }

    /// Wakes the other end. A socket that takes no more is full of bells, and one that is broken is heard of when it is read.
    #[cold]
    fn ring_the_bell(&self) {
        let _ = send_byte(self.lifeline.as_fd());
    }

    /// Wakes those whose wish has come true; tells whether there were any.
    pub(super) fn look(&self) -> bool {
        let mut woken = false;
        while let Some(waker) = self.next_ready() {
            waker.wake();
            woken = true;
        }
        woken
    }

    /// Gives pages back that nothing was written to lately.
    pub(super) fn give_back(&self) {
        self.outgoing.give_back();
    }

    fn next_ready(&self) -> Option<Waker> {
        let mut waiting = self.waiting.borrow_mut();
        let at = waiting.iter().position(|(wish, _)| self.is_ready(*wish))?;
        Some(waiting.swap_remove(at).1)
    }

    /// Asks the other end to ring the bell for those who wait; tells whether somebody need not wait, and was woken.
    pub(super) fn sleep_for_all(&self) -> bool {
        for wish in [Wish::Read, Wish::Write] {
            if self.waiting.borrow().iter().any(|(other, _)| *other == wish) {
                self.sleep(wish);
            }
        }
        // Who still waits is registered with the socket, too.
        let woken = self.look();
        self.waiting.borrow_mut().clear();
        woken
    }
}
