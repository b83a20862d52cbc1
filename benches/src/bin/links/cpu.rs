//! `--cpu`: what the parts of a link cost. The same messages by the bare batched link and by ours, plain, encrypted and watched, in turns: processor
//! time of both ends for each message.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path as FilePath, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use benches::figures::{Bar, half_range, median, ratio, table};
use benches::process::{self, Talker};

use crate::cell::{Cell, Kind, Path, Transport};
use crate::ours;

/// What we promise of our link over the bare one, of the encrypted one over the bare one, and of being watched or attacked over not.
const BARS: [f64; 4] = [1.35, 2.2, 1.02, 1.05];
/// How often a watched program is asked for its metrics.
const SCRAPE: Duration = Duration::from_secs(1);

/// What is measured in turns.
#[derive(Clone, Copy, Debug)]
enum Variant {
    Bare,
    Plain,
    Tls,
    /// Somebody asks for its metrics.
    Watched,
    /// Strangers call its listener.
    Attacked,
}

const VARIANTS: [Variant; 5] = [Variant::Bare, Variant::Plain, Variant::Tls, Variant::Watched, Variant::Attacked];

/// Measures and prints the table.
///
/// # Errors
/// A program does not do its work.
pub(crate) fn measure(
    programs: &ours::Programs,
    sizes: &[usize],
    (repetitions, seconds, first): (usize, f64, bool),
) -> Result<(), String> {
    let head = ["bytes", "bare", "hydro", "/ bare", "TLS", "/ bare", "watched", "/ hydro", "attacked", "/ hydro"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let mut strangers = Strangers::default();
    for &bytes in sizes {
        let mut figures: [Vec<f64>; VARIANTS.len()] = Default::default();
        for repetition in 0..repetitions {
            // Whoever is first in a turn finds the machine as the last of the turn before left it.
            for step in 0..VARIANTS.len() {
                let at = (repetition + step) % VARIANTS.len();
                let (cost, came) = cost(VARIANTS[at], programs, (bytes, seconds, first))?;
                figures[at].push(cost);
                strangers.came += came.came;
                strangers.seconds += came.seconds;
            }
        }
        let [bare, plain, tls, watched, attacked] = figures;
        let cost = |figures: &[f64]| format!("{:.1} ns ±{:.0}%", median(figures), half_range(figures) * 100.0);
        // Those of one turn are compared: the machine is not as fast in each.
        let over = |one: &[f64], other: &[f64], bar| {
            let ratios: Vec<f64> = one.iter().zip(other).map(|(one, other)| one / other).collect();
            ratio(median(&ratios), Some(Bar::AtMost(bar)))
        };
        rows.push(vec![
            bytes.to_string(),
            cost(&bare),
            cost(&plain),
            over(&plain, &bare, BARS[0]),
            cost(&tls),
            over(&tls, &bare, BARS[1]),
            cost(&watched),
            over(&watched, &plain, BARS[2]),
            cost(&attacked),
            over(&attacked, &plain, BARS[3]),
        ]);
    }
    println!("TCP, processor time of both ends for each message\n{}", table(&rows));
    let per_second = strangers.came as f64 / strangers.seconds;
    let judged = Bar::AtLeast(STRANGERS_PER_SECOND).judge(per_second);
    println!(
        "strangers that came to the attacked: {} in {:.1} s, {per_second:.0} a second ({judged})",
        strangers.came, strangers.seconds
    );
    Ok(())
}

/// Returns the nanoseconds of processors for each message, and the strangers that came.
fn cost(
    variant: Variant,
    programs: &ours::Programs,
    (bytes, seconds, first): (usize, f64, bool),
) -> Result<(f64, Strangers), String> {
    let path = if matches!(variant, Variant::Bare) { Path::Bare } else { Path::Ours };
    let transport = if matches!(variant, Variant::Tls) { Transport::Tls } else { Transport::Tcp };
    let watched = matches!(variant, Variant::Watched);
    let cell = Cell { path, kind: Kind::Throughput, bytes, seconds, transport, spin: false, first, watched };
    let there = ours::endpoint(transport, "there")?;
    let (receiver, sender) =
        if path == Path::Ours { ours::start_at(&there, &cell, programs)? } else { crate::start(&cell, programs)? };
    let attack = matches!(variant, Variant::Attacked).then(|| Attack::begin(there.trim_start_matches("tcp://")));
    let watches = watched.then(|| [true, false].map(|receives| Watch::begin(&admin_path(receives))));
    let patience = Duration::from_secs_f64(seconds + 10.0);
    let figure = receiver.hear("RESULT", patience)?;
    let per_second: f64 = figure.parse().map_err(|_| format!("`{figure}` is no figure"))?;
    let cpu = Talker::end(sender) + receiver.end();
    for watch in watches.into_iter().flatten() {
        watch.end()?;
    }
    Ok((cpu / (per_second * seconds) * 1e9, attack.map(Attack::end).unwrap_or_default()))
}

/// How often a stranger comes: ten thousand in ten seconds.
const STRANGER: Duration = Duration::from_millis(1);
/// Fewer than this are no attack, and what it costs is not told by them.
const STRANGERS_PER_SECOND: f64 = 900.0;

/// Who came, and in which time from the first to the last.
#[derive(Clone, Copy, Debug, Default)]
struct Strangers {
    came: usize,
    seconds: f64,
}

/// Strangers that call, say something that means nothing, and leave.
struct Attack {
    stop: Sender<()>,
    comes: JoinHandle<Strangers>,
}

impl Attack {
    fn begin(there: &str) -> Self {
        let (stop, stopped) = channel();
        let there = there.to_owned();
        let comes = std::thread::spawn(move || {
            // The programs under test have a processor each; who waits for one of them comes too seldom.
            process::go_first();
            let start = Instant::now();
            let mut met: Option<(Instant, Instant)> = None;
            let (mut came, mut calls, mut word) = (0, 0_u32, 0x9e37_79b9_7f4a_7c15_u64);
            loop {
                let next = start + STRANGER * calls;
                match stopped.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => {
                        let seconds = met.map_or(0.0, |(first, last)| (last - first).as_secs_f64());
                        return Strangers { came, seconds };
                    }
                }
                calls += 1;
                word = word.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                // Every other one begins as one of ours would.
                let nonsense = word.to_be_bytes().repeat(64);
                let begin = if calls.is_multiple_of(2) { b"HYDR\x02\0\0\x02\0\0".as_slice() } else { &[] };
                let said =
                    TcpStream::connect(&there).and_then(|mut socket| socket.write_all(&[begin, &nonsense].concat()));
                if said.is_ok() {
                    came += 1;
                    met = Some((met.map_or(start + STRANGER * (calls - 1), |(first, _)| first), Instant::now()));
                }
            }
        });
        Self { stop, comes }
    }

    /// Ends it; returns who came.
    fn end(self) -> Strangers {
        let _ = self.stop.send(());
        self.comes.join().unwrap_or_default()
    }
}

/// Returns where a watched end answers.
pub(crate) fn admin_path(receives: bool) -> PathBuf {
    let end = if receives { "receiver" } else { "sender" };
    // Nobody else may write in there, or the program would not answer in it.
    crate::certificates::folder().join(format!("{end}.admin"))
}

/// Somebody who asks for metrics, at once and then every second.
struct Watch {
    stop: Sender<()>,
    asks: JoinHandle<usize>,
}

impl Watch {
    fn begin(path: &FilePath) -> Self {
        let (stop, stopped) = channel();
        let path = path.to_owned();
        let asks = std::thread::spawn(move || {
            let (mut answers, mut pause) = (0, Duration::from_millis(10));
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
                if scrape(&path).is_ok_and(|text| text.contains("hydro_")) {
                    (answers, pause) = (answers + 1, SCRAPE);
                }
            }
            answers
        });
        Self { stop, asks }
    }

    /// Stops asking.
    fn end(self) -> Result<(), String> {
        let _ = self.stop.send(());
        match self.asks.join() {
            Ok(1..) => Ok(()),
            _ => Err("a watched program did not tell its metrics".to_owned()),
        }
    }
}

fn scrape(path: &FilePath) -> std::io::Result<String> {
    let mut socket = UnixStream::connect(path)?;
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")?;
    let mut text = String::new();
    socket.read_to_string(&mut text)?;
    Ok(text)
}
