//! A connection's socket, and what faults do to its bytes. Without a fault it costs one branch per read and write.
//!
//! Knows no frames. Bytes that are held stay where they are: unread in the system, or unwritten in the queue. Bytes that are delayed wait here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, IoSlice};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::faults::{Effect, cut_off};
use crate::transport::{Parcels, Socket};

/// Bytes that may wait here; more wait in the queue.
const DELAYED_BYTES: usize = 8 << 20;
/// How often a connection that takes nothing is looked at: it may be over meanwhile.
const STUCK_TIME: Duration = Duration::from_millis(50);

/// See the module.
#[derive(Debug)]
pub(super) struct Wire {
    socket: Socket,
    /// Whether there is more to do than to use the socket.
    faulty: Cell<bool>,
    effect: Cell<Effect>,
    /// Notified when the faults change, when bytes come to be delayed, and when the wire ends.
    changed: Rc<Notify>,
    /// Notified when delayed bytes have left.
    left: Notify,
    reader: RefCell<Option<Waker>>,
    delayed: RefCell<Delayed>,
}

/// Bytes on a long way.
#[derive(Debug, Default)]
struct Delayed {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    /// Whether a task moves them.
    moves: bool,
    error: Option<io::Error>,
}

impl Wire {
    /// Wraps a socket.
    pub(super) fn new(socket: Socket, effect: Effect) -> Rc<Self> {
        let wire = Rc::new(Self {
            socket,
            faulty: Cell::new(false),
            effect: Cell::default(),
            changed: Rc::default(),
            left: Notify::new(),
            reader: RefCell::default(),
            delayed: RefCell::default(),
        });
        wire.set_effect(effect);
        wire
    }

    /// Makes the faults do that.
    pub(super) fn set_effect(self: &Rc<Self>, effect: Effect) {
        if effect == self.effect.replace(effect) {
            return;
        }
        self.look();
        if effect.delay > Duration::ZERO && !std::mem::replace(&mut self.delayed.borrow_mut().moves, true) {
            tokio::task::spawn_local(carry(Rc::downgrade(self), Rc::clone(&self.changed)));
        }
        self.changed.notify_waiters();
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn look(&self) {
        self.faulty.set(self.effect.get() != Effect::default() || self.delayed.borrow().moves);
    }

    /// Tells whether what goes next gets lost.
    #[inline]
    pub(super) fn loses(&self) -> bool {
        self.faulty.get() && self.effect.get().drop > 0.0 && random() < self.effect.get().drop
    }

    /// Reads what is there.
    #[inline]
    pub(super) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.faulty.get() {
            self.may_read()?;
        }
        self.socket.try_read(buffer)
    }

    #[cold]
    fn may_read(&self) -> io::Result<()> {
        let effect = self.effect.get();
        match effect {
            Effect { cut: true, .. } => Err(cut_off()),
            Effect { holds_in: true, .. } => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    }

    /// Writes what the system takes.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_write_vectored(&[IoSlice::new(bytes)])
    }

    /// Writes what the system takes of several pieces.
    #[inline]
    pub(super) fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.faulty.get() {
            return self.write_slowly(pieces);
        }
        self.socket.try_write_vectored(pieces)
    }

    #[cold]
    fn write_slowly(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let effect = self.effect.get();
        if effect.cut {
            return Err(cut_off());
        }
        let mut delayed = self.delayed.borrow_mut();
        if let Some(error) = delayed.error.take() {
            return Err(error);
        }
        if effect.holds_out || delayed.bytes >= DELAYED_BYTES {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if !delayed.moves {
            return self.socket.try_write_vectored(pieces);
        }
        // While older bytes are on their way here, newer ones go behind them.
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        let count = bytes.len();
        delayed.bytes += count;
        delayed.pieces.push_back((Instant::now() + effect.delay, bytes));
        drop(delayed);
        self.changed.notify_waiters();
        Ok(count)
    }

    fn has_delayed(&self) -> bool {
        self.faulty.get() && !self.delayed.borrow().pieces.is_empty()
    }

    /// Tells whether the socket has taken what it has not given to the system yet.
    pub(super) fn has_unsent(&self) -> bool {
        self.socket.has_unsent()
    }

    /// Gives that to the system, as far as it takes it.
    pub(super) fn try_flush(&self) -> io::Result<()> {
        if self.faulty.get() && self.effect.get().holds_out { Ok(()) } else { self.socket.try_flush() }
    }

    /// Gives the other end the link's parcels, if both are threads of this process and know the same type.
    pub(super) fn takes_parcels(&self, parcels: &Arc<Parcels>) -> bool {
        self.socket.takes_parcels(parcels)
    }

    /// Returns the parcels that the other end gave.
    pub(super) fn parcels(&self) -> Option<Arc<Parcels>> {
        self.socket.parcels()
    }

    /// Tells whether the machine at the other end answered within that time; where bytes are held it cannot.
    pub(super) fn is_reachable(&self, within: Duration) -> bool {
        let Effect { holds_in, holds_out, .. } = self.effect.get();
        !holds_in && !holds_out && self.socket.is_reachable(within)
    }

    /// Tells whether there may be something to read, or wakes the task when there is.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.faulty.get() && self.may_read().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            *self.reader.borrow_mut() = Some(context.waker().clone());
            return Poll::Pending;
        }
        self.socket.poll_readable(context)
    }

    /// Waits until there may be something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        while self.faulty.get() {
            match self.may_read() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.changed.notified().await,
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        self.socket.readable().await
    }

    /// Waits until the system may take something.
    pub(super) async fn writable(&self) -> io::Result<()> {
        while self.faulty.get() && self.is_stopped_up() {
            if self.effect.get().holds_out {
                self.changed.notified().await;
            } else {
                self.left.notified().await;
            }
        }
        self.socket.writable().await
    }

    /// Waits until no bytes wait here, unless they are held.
    pub(super) async fn carried(&self) {
        while self.has_delayed() && !self.effect.get().holds_out {
            self.left.notified().await;
        }
    }

    fn is_stopped_up(&self) -> bool {
        let effect = self.effect.get();
        !effect.cut && (effect.holds_out || self.delayed.borrow().bytes >= DELAYED_BYTES)
    }

    /// Moves what is due to the socket. Returns when to look again; none: when the socket takes more.
    fn move_due(&self) -> io::Result<Next> {
        let mut delayed = self.delayed.borrow_mut();
        let effect = self.effect.get();
        loop {
            let Some((due, piece)) = delayed.pieces.front_mut() else {
                delayed.moves = effect.delay > Duration::ZERO;
                let next = if delayed.moves { Next::Change } else { Next::End };
                drop(delayed);
                self.look();
                return Ok(next);
            };
            if effect.holds_out {
                return Ok(Next::Change);
            }
            if *due > Instant::now() {
                return Ok(Next::At(*due));
            }
            match self.socket.try_write(piece) {
                Ok(count) => {
                    let is_done = count == piece.len();
                    piece.drain(..count);
                    delayed.bytes -= count;
                    if is_done {
                        delayed.pieces.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Next::Room),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.changed.notify_waiters();
    }
}

/// What delayed bytes wait for.
enum Next {
    /// Their time.
    At(Instant),
    /// Room in the system.
    Room,
    /// Faults that change, or more bytes.
    Change,
    /// Nothing any more.
    End,
}

/// Moves delayed bytes as they become due, while the wire is there: it does not keep the connection open.
async fn carry(wire: Weak<Wire>, changed: Rc<Notify>) {
    loop {
        let notified = changed.notified();
        let Some(strong) = wire.upgrade() else { return };
        let next = strong.move_due();
        strong.left.notify_waiters();
        if let Ok(Next::Room) = next {
            let _ = tokio::time::timeout(STUCK_TIME, strong.socket.writable()).await;
            continue;
        }
        drop(strong);
        match next {
            Ok(Next::End) => return,
            Ok(Next::Room) => {}
            Ok(Next::At(due)) => {
                let _ = tokio::time::timeout_at(due, notified).await;
            }
            Ok(Next::Change) => notified.await,
            Err(error) => {
                if let Some(strong) = wire.upgrade() {
                    strong.delayed.borrow_mut().error = Some(error);
                    strong.changed.notify_waiters();
                    strong.left.notify_waiters();
                }
                return;
            }
        }
    }
}

/// Returns a number from 0 to 1, but not 1.
fn random() -> f64 {
    (RandomState::new().hash_one(0) >> 11) as f64 / (1_u64 << 53) as f64
}
