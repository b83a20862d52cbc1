//! Records of one open frame, small ones decoded a few ahead of the dataflow.
//!
//! A loop of its own decodes numbers faster than a question for one item, which has other things to look at as well: over TCP half as many more
//! arrive. Knows no connections.

use std::fmt;
use std::marker::PhantomData;
use std::net::{Ipv4Addr, SocketAddr};

use serde::de::DeserializeOwned;

use super::MemberId;
use super::tag::Tag;
use crate::codec::{self, CodecError};
use crate::contract::Codec;

/// Items decoded at once at most.
const MOST_ITEMS: usize = 64;
/// Bytes decoded at once, and what the items take: what the dataflow is given is in the processor's nearest cache.
const BYTES: usize = 2 << 10;

/// Where the records of a frame come from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// How they are written.
    pub(super) codec: Codec,
    /// The other end.
    pub(super) address: SocketAddr,
    /// Its member.
    pub(super) member: MemberId,
}

/// What is given back when no more is taken of a frame for now.
#[derive(Debug)]
pub(super) struct Settled {
    /// The bytes that were lent.
    pub(super) bytes: Vec<u8>,
    /// Where the rest of the frame begins.
    pub(super) at: usize,
    /// How many records were taken.
    pub(super) taken: u32,
}

/// See the module.
pub(super) struct Ahead<T, A: Tag<T>> {
    /// The last comes first.
    items: Vec<A::Item>,
    /// Lent by the connection.
    bytes: Vec<u8>,
    at: usize,
    end: usize,
    /// Records that are not decoded, and how many there were.
    left: u32,
    size: u32,
    source: Source,
    error: Option<CodecError>,
    marker: PhantomData<fn() -> T>,
}

impl<T, A: Tag<T>> fmt::Debug for Ahead<T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (items, left) = (self.items.len(), self.left);
        f.debug_struct("Ahead").field("items", &items).field("left", &left).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned, A: Tag<T>> Ahead<T, A> {
    /// Whether items are decoded when they are asked for: the memory that one owns is best given back before the next one is made.
    const ONE_BY_ONE: bool = std::mem::needs_drop::<A::Item>();

    /// Items decoded at once.
    const ITEMS: usize = match size_of::<A::Item>() {
        0 => MOST_ITEMS,
        size if BYTES / size == 0 => 1,
        size if BYTES / size > MOST_ITEMS => MOST_ITEMS,
        size => BYTES / size,
    };

    /// Creates one without a frame.
    pub(super) fn new() -> Self {
        let source = Source {
            codec: Codec::Binary,
            address: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0),
            member: MemberId(0),
        };
        let (items, bytes) = (Vec::new(), Vec::new());
        Self { items, bytes, at: 0, end: 0, left: 0, size: 0, source, error: None, marker: PhantomData }
    }

    /// Returns the next item, if one is there or can be decoded at once.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<A::Item> {
        if !Self::ONE_BY_ONE {
            return self.items.pop();
        }
        if self.left == 0 {
            return None;
        }
        let mut rest = self.bytes.get(self.at..self.end).filter(|rest| !rest.is_empty())?;
        match codec::take::<T>(self.source.codec, &mut rest) {
            Ok(record) => {
                self.at = self.end - rest.len();
                self.left -= 1;
                Some(A::tag(record, self.source.address, self.source.member))
            }
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// Takes the error, so that the way of every record does not have to drop it.
    #[cold]
    #[inline(never)]
    fn fail(&mut self, error: CodecError) {
        self.error = Some(error);
    }

    /// Returns why the next record is none, once.
    pub(super) fn take_error(&mut self) -> Option<CodecError> {
        self.error.take()
    }

    /// Begins to take `size` records off a frame at that place of the bytes.
    pub(super) fn begin(&mut self, (bytes, place): (Vec<u8>, std::ops::Range<usize>), size: u32, source: Source) {
        (self.bytes, self.at, self.end) = (bytes, place.start, place.end);
        (self.left, self.size, self.source) = (size, size, source);
    }

    /// Decodes a few records, if items are decoded ahead.
    #[inline(never)]
    pub(super) fn decode(&mut self) {
        if Self::ONE_BY_ONE {
            return;
        }
        let Source { codec, address, member } = self.source;
        let items = (self.left as usize).min(Self::ITEMS);
        let frame = self.bytes.get(self.at..self.end).unwrap_or_default();
        let (mut rest, mut failure) = (frame, None);
        let mut ahead = std::mem::take(&mut self.items);
        ahead.reserve(items);
        for _ in 0..items {
            if rest.is_empty() || frame.len() - rest.len() >= BYTES {
                break;
            }
            let mut behind = rest;
            match codec::take::<T>(codec, &mut behind) {
                Ok(record) => ahead.push(A::tag(record, address, member)),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            rest = behind;
        }
        self.at = self.end - rest.len();
        self.left -= ahead.len() as u32;
        // Those before it come first.
        self.error = failure.filter(|_| ahead.is_empty());
        ahead.reverse();
        self.items = ahead;
    }

    /// Gives the frame back, if there is one. All items are taken by then.
    pub(super) fn settle(&mut self) -> Option<Settled> {
        if self.size == 0 {
            return None;
        }
        let taken = self.size - self.left;
        (self.size, self.left) = (0, 0);
        Some(Settled { bytes: std::mem::take(&mut self.bytes), at: self.at, taken })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Plain;
    use super::*;

    /// Takes all records off a frame; returns them, why there are no more, and how many bytes are left.
    fn take_all<T: DeserializeOwned>(bytes: &[u8], size: u32) -> (Vec<T>, Option<CodecError>, usize) {
        let mut ahead = Ahead::<T, Plain>::new();
        let source = ahead.source;
        ahead.begin((bytes.to_vec(), 0..bytes.len()), size, source);
        let mut items = Vec::new();
        loop {
            ahead.decode();
            let before = items.len();
            items.extend(std::iter::from_fn(|| ahead.next()));
            let error = ahead.take_error();
            if error.is_some() || items.len() == before {
                let settled = ahead.settle().expect("a frame");
                assert_eq!(settled.taken as usize, items.len());
                return (items, error, settled.bytes.len() - settled.at);
            }
        }
    }

    #[test]
    fn all_records_come_in_order() {
        let numbers: Vec<u64> = (0..1000).collect();
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(take_all::<u64>(&bytes, 1000), (numbers, None, 0));
        assert_eq!(take_all::<[u64; 0]>(&[0; 1000], 1000).0.len(), 1000);
    }

    #[test]
    fn records_before_a_wrong_one_come_first() {
        let mut bytes = vec![1; 100];
        bytes[70] = 2;
        let (items, error, left) = take_all::<bool>(&bytes, 100);
        assert_eq!((items.len(), error.is_some(), left), (70, true, 30));
        let text = |letter: u8| [1_u64.to_le_bytes().as_slice(), &[letter]].concat();
        let bytes = [text(b'a'), text(b'b'), text(0xff), text(b'c')].concat();
        let (items, error, left) = take_all::<String>(&bytes, 4);
        assert_eq!((items.join(""), error.is_some(), left), ("ab".to_owned(), true, 18));
    }

    #[test]
    fn a_frame_that_holds_fewer_records_than_it_says_is_no_endless_one() {
        let (items, error, left) = take_all::<u32>(&[0; 8], 3);
        assert_eq!((items.len(), error, left), (2, None, 0));
    }
}
