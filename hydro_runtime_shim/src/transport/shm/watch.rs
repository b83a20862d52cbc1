//! The rings of this thread, for a run loop that looks at them itself instead of sleeping until it is woken.
//!
//! While the loop is awake nobody sets a flag that would make the other end ring: a busy stream makes no system calls.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use super::stream::Shared;

/// A look takes about as long as the message that it may find; a pause of the processor takes several times that.
const PAUSE_EVERY: usize = 8;

thread_local! {
    static AWAKE: Cell<bool> = const { Cell::new(false) };
    static STREAMS: RefCell<Vec<Weak<Shared>>> = const { RefCell::new(Vec::new()) };
}

/// Adds a stream.
pub(super) fn add(stream: &Rc<Shared>) {
    STREAMS.with_borrow_mut(|streams| {
        streams.retain(|other| other.strong_count() > 0);
        streams.push(Rc::downgrade(stream));
    });
}

/// Tells whether the run loop looks at the rings.
pub(super) fn is_awake() -> bool {
    AWAKE.get()
}

/// The run loop looks at the rings from now on.
pub(crate) fn wake_up() {
    AWAKE.set(true);
}

/// Looks at the rings, this often at most, until a task is woken because its ring has something for it.
pub(crate) fn look(times: usize) {
    STREAMS.with_borrow(|streams| {
        if streams.is_empty() {
            return;
        }
        for look in 1..=times {
            if each(streams, Shared::look) {
                return;
            }
            if look % PAUSE_EVERY == 0 {
                std::hint::spin_loop();
            }
        }
    });
}

/// The run loop looks no more; tells whether a task was woken at the last moment, and it should look again instead.
pub(crate) fn fall_asleep() -> bool {
    AWAKE.set(false);
    STREAMS.with_borrow(|streams| each(streams, Shared::sleep_for_all))
}

/// Gives pages of quiet rings back; to be called every second or so.
pub(crate) fn give_back() {
    STREAMS.with_borrow(|streams| streams.iter().filter_map(Weak::upgrade).for_each(|stream| stream.give_back()));
}

fn each(streams: &[Weak<Shared>], what: impl Fn(&Shared) -> bool) -> bool {
    streams.iter().filter_map(Weak::upgrade).fold(false, |any, stream| what(&stream) | any)
}
