//! Lines over a Unix socket, and open files that go along with them.
//!
//! Knows nothing of what is said.

use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// So many open files go along with one line at most.
const MOST: usize = 128;
/// How much is read at once.
const PIECE: usize = 64 << 10;

/// Writes a line; the files arrive no later than it does.
pub(crate) fn send(mut stream: &UnixStream, line: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut sent = 0;
    if !files.is_empty() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(files)) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        sent = sendmsg(stream, &[IoSlice::new(line)], &mut ancillary, SendFlags::NOSIGNAL)?;
    }
    stream.write_all(line.get(sent..).unwrap_or_default())
}

/// Reads lines, and keeps the files that came with them.
#[derive(Debug)]
pub(crate) struct Lines {
    stream: UnixStream,
    bytes: Vec<u8>,
    files: Vec<OwnedFd>,
}

impl Lines {
    pub(crate) fn of(stream: UnixStream) -> Self {
        Self { stream, bytes: Vec::new(), files: Vec::new() }
    }

    /// Returns the next line without its end; none: the other end hung up.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        let mut seen = 0;
        loop {
            let end = self.bytes.get(seen..).and_then(|new| new.iter().position(|byte| *byte == b'\n'));
            if let Some(end) = end {
                let rest = self.bytes.split_off(seen + end + 1);
                let mut line = std::mem::replace(&mut self.bytes, rest);
                line.pop();
                return Some(line);
            }
            seen = self.bytes.len();
            if self.read().ok()? == 0 {
                return None;
            }
        }
    }

    /// Whether another line may be had without waiting.
    pub(crate) fn has_more(&self) -> bool {
        self.bytes.contains(&b'\n')
    }

    /// Returns the files that have come.
    pub(crate) fn files(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.files)
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut piece = vec![0; PIECE];
        let got = loop {
            let mut into = [IoSliceMut::new(&mut piece)];
            match recvmsg(self.stream.as_fd(), &mut into, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Err(rustix::io::Errno::INTR) => {}
                got => break got?,
            }
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                self.files.extend(files);
            }
        }
        self.bytes.extend(piece.get(..got.bytes).unwrap_or_default());
        Ok(got.bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn lines_of_any_length_arrive_with_their_files() {
        let (one, other) = UnixStream::pair().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        let long = vec![b'x'; 300_000];
        let writer = std::thread::spawn(move || {
            let line = [long.as_slice(), b"\n"].concat();
            send(&one, &line, &[far.as_fd()]).unwrap();
            send(&one, b"short\n", &[]).unwrap();
        });
        let mut lines = Lines::of(other);
        assert_eq!(lines.next().unwrap().len(), 300_000);
        let files = lines.files();
        assert_eq!(files.len(), 1);
        assert_eq!(lines.next().unwrap(), b"short");
        writer.join().unwrap();
        assert!(lines.next().is_none());
        // The file is the socket's other end: with it, the last of them is gone.
        drop(files);
        assert_eq!(near.read(&mut [0]).unwrap(), 0);
    }
}
