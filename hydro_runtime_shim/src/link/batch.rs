//! Records on their way from a plain output to the queues of its peers, encoded once for each encoding.
//!
//! Between two records nothing but the bytes is touched. What is there goes to the queues when it fills a frame or the tick ends; with one
//! peer the buffer itself moves over.

use std::rc::Rc;

use serde::Serialize;

use super::queue::Queue;
use crate::codec::{self, CodecError};
use crate::contract::{Codec, FRAME_HEADER_BYTES, MAX_FRAME_BYTES};
use crate::protocol::CHUNK_BYTES;

/// The first frame of a tick is closed at this size, so that a peer that waits for it begins while this end works on.
const FIRST_BYTES: usize = 8 << 10;

/// See the module. The buffer begins with room for a frame's header.
#[derive(Debug)]
pub(super) struct Batch {
    codec: Codec,
    buffer: Vec<u8>,
    records: u32,
    /// The size at which it is spread.
    limit: usize,
}

impl Batch {
    /// Creates an empty batch.
    pub(super) fn new(codec: Codec) -> Self {
        Self { codec, buffer: Vec::new(), records: 0, limit: FIRST_BYTES }
    }

    /// Tells whether nothing is in it.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Appends a record. True: the batch should be spread now.
    ///
    /// # Errors
    /// The record cannot be encoded; the batch is as it was.
    #[inline(always)]
    pub(super) fn push<T: Serialize>(&mut self, item: &T) -> Result<bool, CodecError> {
        if self.buffer.is_empty() {
            self.buffer.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
        }
        self.encode(self.codec, item)
    }

    /// Appends a record to a batch of [`Codec::Binary`] that is not empty. True: the batch should be spread now.
    ///
    /// # Errors
    /// The record cannot be encoded; the batch is as it was.
    #[inline(always)]
    pub(super) fn append<T: Serialize>(&mut self, item: &T) -> Result<bool, CodecError> {
        self.encode(Codec::Binary, item)
    }

    #[inline(always)]
    fn encode<T: Serialize>(&mut self, codec: Codec, item: &T) -> Result<bool, CodecError> {
        let before = self.buffer.len();
        if let Err(error) = codec::append(codec, item, &mut self.buffer) {
            return Err(self.undo(before, error));
        }
        self.records += 1;
        Ok(self.buffer.len() >= self.limit)
    }

    #[cold]
    fn undo(&mut self, before: usize, error: CodecError) -> CodecError {
        self.buffer.truncate(before);
        error
    }

    /// Hands the batch to the queues of its encoding. `last` is where its last record begins, which may be too large for a frame.
    ///
    /// # Errors
    /// The last record is too large for any peer; the others are handed over.
    pub(super) fn spread(&mut self, queues: &[Rc<Queue>], last: usize) -> Result<(), CodecError> {
        let own = || queues.iter().filter(|queue| queue.codec == self.codec);
        if self.buffer.len() > MAX_FRAME_BYTES {
            let record = self.buffer.split_off(last);
            self.records -= 1;
            self.spread(queues, FRAME_HEADER_BYTES)?;
            let own = queues.iter().filter(|queue| queue.codec == self.codec);
            return own.map(|queue| queue.push_encoded(&record)).fold(Ok(()), Result::and);
        }
        if self.records > 0 {
            let records = self.records;
            match (own().next(), own().nth(1)) {
                (None, _) => {}
                (Some(queue), None) => queue.push_buffer(&mut self.buffer, records, self.limit < CHUNK_BYTES),
                _ => own().for_each(|queue| queue.push_frame(&self.buffer[FRAME_HEADER_BYTES..], records)),
            }
            self.limit = CHUNK_BYTES;
        }
        self.buffer.clear();
        self.records = 0;
        Ok(())
    }

    /// The tick is over, and everything handed over.
    pub(super) fn end_tick(&mut self) {
        self.limit = FIRST_BYTES;
    }

    /// Returns where the next record would begin.
    #[inline(always)]
    pub(super) fn end(&self) -> usize {
        self.buffer.len().max(FRAME_HEADER_BYTES)
    }
}
