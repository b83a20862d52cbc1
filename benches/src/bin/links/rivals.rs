//! `--timely` and `--hydra`: our links beside what others send messages with. Nobody goes before all other work here: threads of theirs that wait for
//! each other would stand still.

use std::time::Duration;

use benches::figures::{Bar, half_range, median, rate, ratio, table};
use benches::process::Talker;

use crate::cell::{Cell, Kind, Path, Transport};
use crate::{ours, run};

/// What we promise over Hydra's benchmark.
const HYDRA_BAR: f64 = 20.0;

/// One way by TCP, beside timely's exchange between two processes.
///
/// # Errors
/// A program does not do its work.
pub(crate) fn timely(
    programs: &ours::Programs,
    sizes: &[usize],
    (repetitions, seconds): (usize, f64),
) -> Result<(), String> {
    let mut rows = vec![["bytes", "hydro", "timely", "hydro / timely"].map(str::to_owned).to_vec()];
    for &bytes in sizes {
        let mut figures: [Vec<f64>; 2] = Default::default();
        for _ in 0..repetitions {
            for (path, figures) in [Path::Ours, Path::Timely].into_iter().zip(&mut figures) {
                figures.push(run(&one_way(path, bytes, Transport::Tcp, seconds), programs)?);
            }
        }
        let [ours, theirs] = figures;
        let over = ratio(median(&ours) / median(&theirs), Some(Bar::AtLeast(1.0)));
        rows.push(vec![bytes.to_string(), write(&ours), write(&theirs), over]);
    }
    println!("TCP, one way, messages per second\n{}", table(&rows));
    Ok(())
}

/// What the first run may take, which builds the process that both ends share.
const BUILD_TIME: Duration = Duration::from_secs(600);

/// Two services of one process, beside Hydra's own benchmark, whose processes are in one program, too. Messages are as large as Hydra's and go for as
/// long; two programs that share memory beside that, and Hydra's own loop: one message on its way, and an answer to each.
///
/// # Errors
/// A program does not do its work.
pub(crate) fn hydra(programs: &ours::Programs, (repetitions, seconds): (usize, f64)) -> Result<(), String> {
    let near = one_way(Path::Ours, PID_BYTES, Transport::Shm, seconds);
    let asked = Cell { kind: Kind::RoundTrip, ..near.clone() };
    let theirs = one_way(Path::Hydra, PID_BYTES, Transport::Shm, seconds);
    for cell in [&near, &asked] {
        ours::start_together(cell, programs)?.hear("RESULT", BUILD_TIME)?;
    }
    let patience = Duration::from_secs_f64(seconds + 10.0);
    let mut figures: [Vec<f64>; 4] = Default::default();
    for _ in 0..repetitions {
        let microseconds = result(&ours::start_together(&asked, programs)?, patience)?;
        let now = [
            result(&theirs.start_alone()?, patience)?,
            result(&ours::start_together(&near, programs)?, patience)?,
            run(&near, programs)?,
            1e6 / microseconds,
        ];
        figures.iter_mut().zip(now).for_each(|(figures, figure)| figures.push(figure));
    }
    let names = [
        "hydra: questions in one program, each answered",
        "hydro: one way, two services of one process",
        "hydro: one way, two programs that share memory",
        "hydro: questions, each answered, two services of one process",
    ];
    let mut rows = vec![["", "messages of 16 bytes", "/ hydra"].map(str::to_owned).to_vec()];
    for (at, (name, own)) in names.into_iter().zip(&figures).enumerate() {
        let bar = (at == 1).then_some(Bar::AtLeast(HYDRA_BAR));
        let over = if at == 0 { String::new() } else { ratio(median(own) / median(&figures[0]), bar) };
        rows.push(vec![name.to_owned(), write(own), over]);
    }
    println!("messages per second; of those that are answered, questions count\n{}", table(&rows));
    Ok(())
}

/// The name of a process of Hydra's, which is what a question consists of.
const PID_BYTES: usize = size_of::<hydra::Pid>();

fn result(talker: &Talker, patience: Duration) -> Result<f64, String> {
    let figure = talker.hear("RESULT", patience)?;
    figure.parse().map_err(|_| format!("`{figure}` is no figure"))
}

fn one_way(path: Path, bytes: usize, transport: Transport, seconds: f64) -> Cell {
    Cell { path, kind: Kind::Throughput, bytes, seconds, transport, spin: false, first: false, watched: false }
}

fn write(figures: &[f64]) -> String {
    format!("{} ±{:.0}%", rate(median(figures)), half_range(figures) * 100.0)
}
