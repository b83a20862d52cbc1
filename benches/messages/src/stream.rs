//! One way: a sender that offers messages as fast as they are taken, and a receiver that counts them.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::{Message, report};

/// The number of the last message.
const LAST: i64 = -1;

/// Offers messages of a size for a time, and one more that says that it is the last.
pub fn offer<M: Message>(bytes: usize, seconds: f64) -> impl Iterator<Item = M> {
    // Looking at the clock costs more than a small message does.
    let every = (65_536 / bytes.max(8) as u64).clamp(1, 1024);
    Offer { pattern: M::of_size(bytes), number: 0, until_look: 0, every, seconds, end: None, over: false }
}

/// What is not for every message is apart, so that the rest is short enough to become part of the dataflow's loop.
struct Offer<M> {
    pattern: M,
    number: i64,
    until_look: u64,
    every: u64,
    seconds: f64,
    end: Option<Instant>,
    over: bool,
}

impl<M: Message> Iterator for Offer<M> {
    type Item = M;

    #[inline]
    fn next(&mut self) -> Option<M> {
        if self.until_look == 0 && !self.look() {
            return None;
        }
        self.until_look -= 1;
        let mut message = self.pattern.clone();
        message.set_number(self.number);
        self.number += 1;
        Some(message)
    }
}

impl<M> Offer<M> {
    /// Looks at the clock; false: the last message is offered already.
    #[cold]
    #[inline(never)]
    fn look(&mut self) -> bool {
        if self.over {
            return false;
        }
        let now = Instant::now();
        self.over = now >= *self.end.get_or_insert_with(|| now + Duration::from_secs_f64(self.seconds));
        if self.over {
            self.number = LAST;
        }
        self.until_look = if self.over { 1 } else { self.every };
        true
    }
}

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Counts a message; the last one ends the process, which reports messages per second.
#[inline]
pub fn count<M: Message>(message: &M) {
    let number = black_box(message).number();
    let before = COUNT.replace(COUNT.get() + 1);
    if before == 0 {
        START.set(Some(Instant::now()));
    }
    if number == LAST {
        finish(before);
    }
}

#[cold]
fn finish(messages: u64) -> ! {
    let seconds = START.get().map_or(f64::NAN, |start| start.elapsed().as_secs_f64());
    report(messages as f64 / seconds)
}
