//! There and back: a few messages are on their way at any time, and each that comes back is sent again.

use std::cell::RefCell;
use std::time::Instant;

use crate::{Message, report};

/// What came before is warming up.
const WARM_SHARE: f64 = 0.1;

struct Exchange {
    start: Instant,
    outstanding: usize,
    returned: u64,
    /// Nanoseconds of each round trip.
    trips: Vec<u64>,
}

thread_local! {
    static EXCHANGE: RefCell<Option<Exchange>> = const { RefCell::new(None) };
}

/// Returns the messages to begin with.
pub fn first<M: Message>(bytes: usize, outstanding: usize) -> Vec<M> {
    let exchange = Exchange { start: Instant::now(), outstanding, returned: 0, trips: Vec::with_capacity(1 << 20) };
    EXCHANGE.set(Some(exchange));
    vec![M::of_size(bytes); outstanding]
}

/// Turns a message that came back into the next one to send. When the time is up, the process reports and ends: of a single message on its way the
/// median round trip in microseconds, of several the messages per second.
#[inline]
pub fn again<M: Message>(mut message: M, seconds: f64) -> M {
    EXCHANGE.with_borrow_mut(|exchange| {
        let Some(exchange) = exchange else { return };
        let now = exchange.start.elapsed();
        let elapsed = now.as_secs_f64();
        if elapsed >= seconds {
            exchange.finish(elapsed);
        }
        exchange.returned += 1;
        let now = now.as_nanos() as i64;
        if exchange.outstanding == 1 && elapsed > seconds * WARM_SHARE {
            exchange.trips.push(now.abs_diff(message.number()));
        }
        message.set_number(now);
    });
    message
}

impl Exchange {
    #[cold]
    fn finish(&mut self, elapsed: f64) -> ! {
        if self.outstanding > 1 {
            report(self.returned as f64 / elapsed);
        }
        self.trips.sort_unstable();
        report(self.trips.get(self.trips.len() / 2).map_or(f64::NAN, |trip| *trip as f64 / 1000.0))
    }
}
