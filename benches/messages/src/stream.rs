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
    let pattern = M::of_size(bytes);
    let (mut number, mut over, mut until_look) = (0_i64, false, 0);
    let mut end = None;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let end = end.get_or_insert_with(|| Instant::now() + Duration::from_secs_f64(seconds));
        if until_look == 0 {
            over = Instant::now() >= *end;
            until_look = every;
        }
        until_look -= 1;
        let mut message = pattern.clone();
        message.set_number(if over { LAST } else { number });
        number += 1;
        Some(message)
    })
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
