//! Lines from a connection, each with a limit.

use std::io;

use crate::contract::ADMIN_LINE_BYTES;
use crate::transport::Socket;

/// Reads lines.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    socket: &'a Socket,
    bytes: Vec<u8>,
}

impl<'a> Lines<'a> {
    /// Reads from the connection.
    pub(super) fn of(socket: &'a Socket) -> Self {
        Self { socket, bytes: Vec::new() }
    }

    /// Returns the next line without its end; none: the caller has no more.
    ///
    /// # Errors
    /// The connection broke, or a line is too long (`InvalidData`).
    pub(super) async fn next(&mut self) -> io::Result<Option<String>> {
        let mut looked = 0;
        loop {
            if let Some(length) = self.bytes[looked..].iter().position(|byte| *byte == b'\n') {
                let rest = self.bytes.split_off(looked + length + 1);
                let line = std::mem::replace(&mut self.bytes, rest);
                return Ok(Some(text(&line)));
            }
            looked = self.bytes.len();
            if looked > ADMIN_LINE_BYTES {
                let reason = format!("a line has more than {ADMIN_LINE_BYTES} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            self.socket.readable().await?;
            let mut piece = [0; 4096];
            match self.socket.try_read(&mut piece) {
                Ok(0) if self.bytes.is_empty() => return Ok(None),
                // A last line may lack its newline.
                Ok(0) => return Ok(Some(text(&std::mem::take(&mut self.bytes)))),
                Ok(count) => self.bytes.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches(['\r', '\n']).to_owned()
}
