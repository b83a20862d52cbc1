//! Items that go from one thread of a process to another as they are: nobody encodes them.
//!
//! A link's sender puts batches in, numbered by their first record; its receiver takes each when the frame that stands for it comes. Knows no types of items
//! and nothing of when a frame may come. Outlives connections, as the link does.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A batch of items of a type that both ends know.
pub(crate) type Parcel = Box<dyn Any + Send>;

/// See the module.
#[derive(Default)]
pub(crate) struct Parcels {
    waiting: Mutex<VecDeque<(u64, Parcel)>>,
}

impl Parcels {
    /// Puts a batch in whose first record has that number.
    pub(crate) fn put(&self, number: u64, parcel: Parcel) {
        self.lock().push_back((number, parcel));
    }

    /// Takes the batch whose first record has that number. Older ones, which nobody came for, are gone then.
    pub(crate) fn take(&self, number: u64) -> Option<Parcel> {
        let mut waiting = self.lock();
        while waiting.front().is_some_and(|(first, _)| *first < number) {
            waiting.pop_front();
        }
        match waiting.front() {
            Some((first, _)) if *first == number => waiting.pop_front().map(|(_, parcel)| parcel),
            _ => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(u64, Parcel)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Parcels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcels").field("waiting", &self.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parcel_is_taken_once_by_its_number() {
        let parcels = Parcels::default();
        parcels.put(0, Box::new(vec![1_u8]));
        parcels.put(1, Box::new(vec![2_u8, 3]));
        parcels.put(3, Box::new(vec![4_u8]));
        let take = |number| parcels.take(number).and_then(|parcel| parcel.downcast::<Vec<u8>>().ok());
        assert_eq!(take(0).as_deref(), Some(&vec![1]));
        assert_eq!(take(0), None);
        assert_eq!(take(2), None, "the one before it is nobody's any more");
        assert_eq!(take(3).as_deref(), Some(&vec![4]));
        assert_eq!(take(1), None);
    }
}
