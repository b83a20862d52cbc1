//! timely dataflow's exchange between two processes with a worker each: a worker feeds records, which all go to the other one, which counts.
//!
//! At most four rounds of 4 MiB are under way. A worker and its network threads need more than one processor, so they have both.

use std::path::PathBuf;

use messages::{Message, Text, count, offer};
use timely::dataflow::operators::{Exchange, Input, Inspect, Probe};
use timely::dataflow::{InputHandle, ProbeHandle};

use crate::cell::{Cell, exchange, receives};

/// What is fed before the worker looks at what has come of it.
const ROUND_BYTES: usize = 4 << 20;
/// Rounds under way.
const ROUNDS: u64 = 4;

/// Runs one end.
pub(crate) fn work(cell: &Cell) -> Result<(), String> {
    match cell.bytes {
        8 => end::<u64>(cell),
        16 => end::<(u64, u64)>(cell),
        _ => end::<Text>(cell),
    }
}

fn end<M: Message + timely::ExchangeData>(cell: &Cell) -> Result<(), String> {
    let hosts = hosts().map_err(|error| error.to_string())?;
    let index = usize::from(receives());
    let arguments = ["-n", "2", "-w", "1", "-p", &index.to_string(), "-h", &hosts.to_string_lossy()].map(str::to_owned);
    let (bytes, seconds) = (cell.bytes, cell.seconds);
    let workers = timely::execute_from_args(arguments.into_iter(), move |worker| {
        let (mut input, probe) = (InputHandle::new(), ProbeHandle::new());
        worker.dataflow::<u64, _, _>(|scope| {
            let records = scope.input_from(&mut input).container::<Vec<M>>();
            records.exchange(|_: &M| 1).inspect(|message| count(message)).probe_with(&probe);
        });
        if worker.index() == 0 {
            let mut messages = offer::<M>(bytes, seconds).peekable();
            let mut round = 0;
            while messages.peek().is_some() {
                for message in messages.by_ref().take(ROUND_BYTES / bytes) {
                    input.send(message);
                }
                round += 1;
                input.advance_to(round);
                while probe.less_than(&round.saturating_sub(ROUNDS)) {
                    worker.step_or_park(None);
                }
            }
        }
        input.close();
        while worker.step_or_park(None) {}
    })?;
    drop(workers.join());
    Ok(())
}

/// Agrees with the other end on two addresses, and writes them down as timely wants them.
fn hosts() -> std::io::Result<PathBuf> {
    let mine = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let other = exchange(&mine)?;
    let path = std::env::temp_dir().join(format!("benches-{}-hosts", std::process::id()));
    let (first, second) = if receives() { (other, mine) } else { (mine, other) };
    std::fs::write(&path, format!("{first}\n{second}\n"))?;
    Ok(path)
}
