//! Hydra's own benchmark of messages, written anew: for each processor two of its processes within one program, of which one asks and the other counts
//! the question and answers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hydra::{Application, ExitReason, Message, Pid, Process};
use messages::report;

use crate::cell::Cell;

static QUESTIONS: AtomicU64 = AtomicU64::new(0);

/// Runs it.
pub(crate) fn work(cell: &Cell) {
    Benchmark { seconds: cell.seconds }.run();
}

struct Benchmark {
    seconds: f64,
}

impl Application for Benchmark {
    async fn start(&self) -> Result<Pid, ExitReason> {
        let time = Duration::from_secs_f64(self.seconds);
        Ok(Process::spawn_link(async move {
            for _ in 0..std::thread::available_parallelism().map_or(4, std::num::NonZero::get) {
                ask(Process::spawn(answer()));
            }
            let start = Instant::now();
            Process::sleep(time).await;
            report(QUESTIONS.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64());
        }))
    }
}

async fn answer() {
    while let Message::User(who) = Process::receive::<Pid>().await {
        QUESTIONS.fetch_add(1, Ordering::Relaxed);
        Process::send(who, ());
    }
}

fn ask(whom: Pid) {
    Process::spawn(async move {
        let me = Process::current();
        loop {
            Process::send(whom, me);
            let _ = Process::receive::<()>().await;
        }
    });
}
