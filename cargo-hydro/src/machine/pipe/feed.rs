//! What goes into a process's standard input, one record after the other. A record that an ending process did not take whole goes to its next start.

use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

use super::take::Link;

/// Records of one sender, each with its line end, and how many there are when they have been handed over.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) link: Arc<Link>,
    pub(super) stream: u64,
    /// Number of the first record behind them.
    pub(super) next: u64,
    pub(super) bytes: Vec<u8>,
}

/// Hands portions over in their order, to whichever process there is.
pub(super) async fn feed(mut portions: mpsc::Receiver<Portion>, mut inputs: mpsc::UnboundedReceiver<ChildStdin>) {
    let mut input: Option<ChildStdin> = None;
    while let Some(Portion { link, stream, next, bytes }) = portions.recv().await {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            // A newer start is the one to feed, also where something still holds the pipe of the older one open.
            while let Ok(newer) = inputs.try_recv() {
                input = Some(newer);
            }
            let mut taken = 0;
            let newer = match &mut input {
                None => inputs.recv().await.map(Some),
                Some(pipe) => tokio::select! {
                    () = write(pipe, rest, &mut taken) => Some(None),
                    newer = inputs.recv() => newer.map(Some),
                },
            };
            let Some(newer) = newer else { return };
            if taken < rest.len() {
                input = newer;
                taken = rest[..taken].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            }
            rest = &rest[taken..];
        }
        link.handed_over(stream, next);
    }
}

/// Writes as much as the process takes: all, unless it has ended.
async fn write(pipe: &mut ChildStdin, bytes: &[u8], taken: &mut usize) {
    while let Some(rest) = bytes.get(*taken..).filter(|rest| !rest.is_empty()) {
        match pipe.write(rest).await {
            Ok(count @ 1..) => *taken += count,
            _ => return,
        }
    }
}
