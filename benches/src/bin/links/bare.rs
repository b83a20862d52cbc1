//! The bare batched link: frames of records over TCP, encoded and decoded in place, and nothing that makes it reliable. What our link costs beyond it
//! is the price of acknowledgements, kept frames, handshake and routing.
//!
//! Same dataflow runtime, same sizes of frames and reads as ours.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on may panic")]

use std::convert::Infallible;
use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use dfir_rs::dfir_syntax;
use futures::{Sink, Stream};
use messages::{Message, Text, count, offer};
use serde::de::Visitor;
use tokio::net::{TcpListener, TcpStream};

use crate::cell::{Cell, exchange, receives};

/// A frame is closed at this size, just below the loopback's segment.
const FRAME_BYTES: usize = 60 << 10;
/// What one read takes at most.
const READ_BYTES: usize = 256 << 10;
/// Bytes of a frame's length, which stands in front of it.
const LENGTH_BYTES: usize = 4;

/// Runs one end.
pub(crate) fn work(cell: &Cell) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    let done = match (cell.bytes, receives()) {
        (8, true) => local.block_on(&runtime, receive::<u64>()),
        (8, false) => local.block_on(&runtime, send::<u64>(cell)),
        (16, true) => local.block_on(&runtime, receive::<(u64, u64)>()),
        (16, false) => local.block_on(&runtime, send::<(u64, u64)>(cell)),
        (_, true) => local.block_on(&runtime, receive::<Text>()),
        (_, false) => local.block_on(&runtime, send::<Text>(cell)),
    };
    done.map_err(|error| error.to_string())
}

async fn receive<M: Message>() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    exchange(&listener.local_addr()?.to_string())?;
    let socket = listener.accept().await?.0;
    let frames = Frames::<M> { socket, buffer: vec![0; READ_BYTES], at: 0, frame_end: 0, end: 0, marker: PhantomData };
    let mut flow = dfir_syntax! {
        source_stream(frames) -> for_each(|message: M| count(&message));
    };
    flow.run().await;
    Ok(())
}

async fn send<M: Message>(cell: &Cell) -> io::Result<()> {
    let socket = TcpStream::connect(exchange("null")?).await?;
    socket.set_nodelay(true)?;
    let batches = Batches::<M> { socket, buffer: vec![0; LENGTH_BYTES], written: 0, marker: PhantomData };
    let messages = offer::<M>(cell.bytes, cell.seconds);
    let mut flow = dfir_syntax! {
        source_iter(messages) -> dest_sink(batches);
    };
    flow.run().await;
    Ok(())
}

/// The writing end. The frame that grows begins with room for its length.
struct Batches<M> {
    socket: TcpStream,
    buffer: Vec<u8>,
    written: usize,
    marker: PhantomData<fn(M)>,
}

impl<M> Batches<M> {
    /// Writes the frame.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let length = u32::try_from(self.buffer.len() - LENGTH_BYTES).unwrap();
        self.buffer[..LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
        while length > 0 && self.written < self.buffer.len() {
            match self.socket.try_write(&self.buffer[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.socket.poll_write_ready(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
        self.buffer.truncate(LENGTH_BYTES);
        self.written = 0;
        Poll::Ready(())
    }
}

impl<M: Message> Sink<M> for Batches<M> {
    type Error = Infallible;

    #[inline]
    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.buffer.len() < FRAME_BYTES { Poll::Ready(Ok(())) } else { self.get_mut().poll_write(context).map(Ok) }
    }

    #[inline]
    fn start_send(self: Pin<&mut Self>, message: M) -> Result<(), Infallible> {
        bincode::serialize_into(&mut self.get_mut().buffer, &message).unwrap();
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.get_mut().poll_write(context).map(Ok)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.poll_flush(context)
    }
}

/// The reading end: `buffer[at..frame_end]` is the open frame, `buffer[frame_end..end]` what came after it.
struct Frames<M> {
    socket: TcpStream,
    buffer: Vec<u8>,
    at: usize,
    frame_end: usize,
    end: usize,
    marker: PhantomData<fn() -> M>,
}

impl<M> Frames<M> {
    /// Opens the next frame, reading as often as it takes.
    #[inline(never)]
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(length) = self.buffer[self.at..self.end].first_chunk::<LENGTH_BYTES>() {
                let end = self.at + LENGTH_BYTES + u32::from_le_bytes(*length) as usize;
                if end <= self.end {
                    self.at += LENGTH_BYTES;
                    self.frame_end = end;
                    return Poll::Ready(());
                }
            }
            self.buffer.copy_within(self.at..self.end, 0);
            (self.at, self.frame_end, self.end) = (0, 0, self.end - self.at);
            match self.socket.try_read(&mut self.buffer[self.end..]) {
                Ok(0) => panic!("the sender is gone"),
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.socket.poll_read_ready(context).is_pending() {
                        return Poll::Pending;
                    }
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

impl<M: Message> Stream for Frames<M> {
    type Item = M;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<M>> {
        let this = self.get_mut();
        if this.at == this.frame_end && this.poll_frame(context).is_pending() {
            return Poll::Pending;
        }
        let mut rest = Rest(&this.buffer[this.at..this.frame_end]);
        let message = bincode::deserialize_from_custom(&mut rest).unwrap();
        this.at = this.frame_end - rest.0.len();
        Poll::Ready(Some(message))
    }
}

/// What is left of a frame: bincode reads where the bytes lie, as our own codec does.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    #[inline]
    fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(taken)
    }
}

impl io::Read for Rest<'_> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }

    #[inline]
    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.0.read_exact(buffer)
    }
}

impl<'a> bincode::BincodeRead<'a> for &mut Rest<'a> {
    #[inline]
    fn forward_read_str<V: Visitor<'a>>(&mut self, length: usize, visitor: V) -> bincode::Result<V::Value> {
        let text = std::str::from_utf8(self.take(length)?).map_err(bincode::ErrorKind::InvalidUtf8Encoding)?;
        visitor.visit_borrowed_str(text)
    }

    #[inline]
    fn get_byte_buffer(&mut self, length: usize) -> bincode::Result<Vec<u8>> {
        Ok(self.take(length)?.to_vec())
    }

    #[inline]
    fn forward_read_bytes<V: Visitor<'a>>(&mut self, length: usize, visitor: V) -> bincode::Result<V::Value> {
        visitor.visit_borrowed_bytes(self.take(length)?)
    }
}
