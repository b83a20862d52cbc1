//! Items that are handed over as they are, to another thread of this process: a batch that grows, and what it is on its way.
//!
//! Knows no queues of bytes. Whether items may leave their thread is said where their type is known, by the program.

use std::net::SocketAddr;
use std::rc::Rc;

use super::MemberId;
use super::queue::Queue;
use super::tag::Tag;
use crate::transport::Parcel;

/// A batch is handed over when it holds this much…
const BATCH_BYTES: usize = 128 << 10;
/// …or so many items: what one thread writes should still be in the processor's cache when the other reads it.
const BATCH_ITEMS: usize = 1024;
/// What an item counts at least.
const LEAST_BYTES: usize = 64;
/// What an item counts at least that owns memory elsewhere, of which nobody here knows how much.
const OWNING_BYTES: usize = 512;

/// Items on their way to another thread.
struct Carried<T>(Vec<T>);

// SAFETY: it is made of items of ports alone of which the program says that they may be sent to another thread (`private::Moves`), and of no others.
unsafe impl<T> Send for Carried<T> {}

/// Returns what an item counts where memory is bounded.
const fn weight_of<T>() -> usize {
    let least = if std::mem::needs_drop::<T>() { OWNING_BYTES } else { LEAST_BYTES };
    if size_of::<T>() > least { size_of::<T>() } else { least }
}

/// Opens a parcel. None: it holds something else.
pub(super) fn unpack<T: 'static>(parcel: Parcel) -> Option<Vec<T>> {
    parcel.downcast::<Carried<T>>().ok().map(|carried| carried.0)
}

/// A batch that was handed over, by the connection of that number.
#[derive(Debug)]
pub(super) struct Handed<T> {
    /// The connection.
    pub(super) number: usize,
    /// How many items there were.
    pub(super) count: usize,
    items: std::vec::IntoIter<T>,
    address: SocketAddr,
    member: MemberId,
}

impl<T> Handed<T> {
    /// Begins with the first item.
    pub(super) fn new(number: usize, items: Vec<T>, (address, member): (SocketAddr, MemberId)) -> Self {
        Self { number, count: items.len(), items: items.into_iter(), address, member }
    }

    /// Returns what it counts where memory is bounded.
    pub(super) fn weight(&self) -> usize {
        self.count * weight_of::<T>()
    }

    /// Takes the next item.
    #[inline(always)]
    pub(super) fn next<A: Tag<T>>(&mut self) -> Option<A::Item> {
        self.items.next().map(|item| A::tag(item, self.address, self.member))
    }
}

/// A batch that grows, for one peer.
#[derive(Debug)]
pub(super) struct Hand<T> {
    items: Vec<T>,
    to: Option<Rc<Queue>>,
}

impl<T> Default for Hand<T> {
    fn default() -> Self {
        Self { items: Vec::new(), to: None }
    }
}

impl<T: 'static> Hand<T> {
    const FULL: usize = {
        let fitting = BATCH_BYTES / weight_of::<T>();
        if fitting == 0 {
            1
        } else if fitting > BATCH_ITEMS {
            BATCH_ITEMS
        } else {
            fitting
        }
    };

    /// Tells whether nothing is in it.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds an item; `to` is asked where a batch begins.
    #[inline(always)]
    pub(super) fn push(&mut self, item: T, to: impl FnOnce() -> Option<Rc<Queue>>) {
        if self.items.is_empty() {
            self.begin(to());
        }
        self.items.push(item);
        if self.items.len() >= Self::FULL {
            self.hand_over();
        }
    }

    #[cold]
    fn begin(&mut self, to: Option<Rc<Queue>>) {
        self.to = to;
        self.items.reserve_exact(Self::FULL);
    }

    /// Hands the batch over.
    #[cold]
    pub(super) fn hand_over(&mut self) {
        let items = std::mem::take(&mut self.items);
        if let (Some(queue), false) = (self.to.take(), items.is_empty()) {
            let (count, size) = (items.len(), size_of::<T>());
            queue.push_parcel(Box::new(Carried(items)), (count, size, weight_of::<T>()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_that_own_memory_count_for_more_and_batches_hold_fewer_of_them() {
        assert_eq!((weight_of::<u64>(), weight_of::<[u64; 100]>(), weight_of::<String>()), (64, 800, 512));
        assert_eq!((Hand::<u64>::FULL, Hand::<String>::FULL, Hand::<[u8; 1 << 20]>::FULL), (1024, 256, 1));
    }

    #[test]
    fn a_parcel_is_opened_as_what_it_is() {
        assert!(unpack::<u64>(Box::new(Carried(vec![1_u8]))).is_none());
        assert_eq!(unpack::<u8>(Box::new(Carried(vec![1_u8]))), Some(vec![1]));
    }
}
