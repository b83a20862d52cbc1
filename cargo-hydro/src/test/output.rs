//! What a test's script writes, kept for the case that it fails.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How much is kept, from the end: enough for a traceback, whatever the script prints before.
const KEPT_BYTES: usize = 64 << 10;
/// How long the pipes are read after the end, in case something else holds them open.
const LINGER: Duration = Duration::from_millis(500);

/// Standard output and standard error of one process, as they came.
#[derive(Debug, Default)]
pub(super) struct Output {
    text: Rc<RefCell<Kept>>,
    pipes: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

impl Output {
    /// Reads a pipe from now on. Needs a tokio `LocalSet`.
    pub(super) fn read(&mut self, mut pipe: impl AsyncRead + Unpin + 'static) {
        let text = self.text.clone();
        self.pipes.spawn_local(async move {
            let mut chunk = vec![0; 8 << 10];
            while let Ok(read @ 1..) = pipe.read(&mut chunk).await {
                text.borrow_mut().add(&chunk[..read]);
            }
        });
    }

    /// Returns what was written, once all is there.
    pub(super) async fn finish(mut self) -> String {
        let _ = timeout(LINGER, async { while self.pipes.join_next().await.is_some() {} }).await;
        let kept = self.text.borrow();
        let text = String::from_utf8_lossy(&kept.bytes);
        if kept.cut { format!("[…]{text}") } else { text.into_owned() }
    }
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Twice the limit before cutting, so that the bytes are not moved each time.
        if self.bytes.len() > 2 * KEPT_BYTES {
            self.bytes.drain(..self.bytes.len() - KEPT_BYTES);
            self.cut = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_is_kept() {
        tokio::task::LocalSet::new()
            .run_until(async {
                let mut output = Output::default();
                output.read(std::io::Cursor::new(b"a\nb".to_vec()));
                assert_eq!(output.finish().await, "a\nb");
                let mut output = Output::default();
                let mut long = vec![b'x'; 10 * KEPT_BYTES];
                long.extend_from_slice(b"end");
                output.read(std::io::Cursor::new(long));
                let text = output.finish().await;
                assert!(text.starts_with("[…]") && text.ends_with("xend") && text.len() <= 2 * KEPT_BYTES + 10);
            })
            .await;
    }
}
