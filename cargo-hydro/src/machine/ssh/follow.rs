//! Listens to what happens on a machine, from where it was left whenever the connection breaks: nothing is missed, nothing comes twice.
//!
//! A conversation of its own, so that a flood of lines keeps no answer waiting.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hydro_host::words::{Ask, Line, Request};

use super::SshError;
use super::control::PAUSES;
use super::machine::Inner;

/// Listens until the machine is not needed any more.
pub(super) async fn listen(inner: Arc<Inner>) {
    let mut pause = PAUSES.0;
    while !inner.is_over() {
        match once(&inner).await {
            Ok(heard) if heard > 0 => pause = PAUSES.0,
            _ => pause = (pause * 2).min(PAUSES.1),
        }
        tokio::time::sleep(pause).await;
    }
}

async fn once(inner: &Inner) -> Result<u64, SshError> {
    let (mut wire, _) = inner.join(true).await?;
    let from = inner.next.load(Ordering::Acquire);
    let asked = wire.say(&Request { id: 1, ask: Ask::Follow { from } }).await;
    asked.map_err(|error| SshError::new("the host there hung up", error, "it is called again"))?;
    let mut heard = 0;
    while let Some(line) = wire.hear().await {
        if let Line::Event(event) = line {
            heard += 1;
            inner.next.store(event.seq + 1, Ordering::Release);
            inner.dispatch(event);
        }
    }
    Ok(heard)
}
