//! `--timely` and `--hydra`: our links beside what others send messages with. Nobody goes before all other work here: threads of theirs that wait for
//! each other would stand still.

use std::time::Duration;

use benches::figures::{Bar, half_range, median, rate, ratio, table};

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

/// Numbers between two programs of one machine, beside Hydra's own benchmark, whose processes are in one program.
///
/// # Errors
/// A program does not do its work.
pub(crate) fn hydra(programs: &ours::Programs, (repetitions, seconds): (usize, f64)) -> Result<(), String> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..repetitions {
        ours.push(run(&one_way(Path::Ours, 8, Transport::Shm, seconds), programs)?);
        let cell = one_way(Path::Hydra, 8, Transport::Shm, seconds);
        let figure = cell.start_alone()?.hear("RESULT", Duration::from_secs_f64(seconds + 5.0))?;
        theirs.push(figure.parse().map_err(|_| format!("`{figure}` is no figure"))?);
    }
    let over = ratio(median(&ours) / median(&theirs), Some(Bar::AtLeast(HYDRA_BAR)));
    let head = ["hydro, shared memory", "hydra, one program", "hydro / hydra"].map(str::to_owned).to_vec();
    println!("messages per second\n{}", table(&[head, vec![write(&ours), write(&theirs), over]]));
    Ok(())
}

fn one_way(path: Path, bytes: usize, transport: Transport, seconds: f64) -> Cell {
    Cell { path, kind: Kind::Throughput, bytes, seconds, transport, spin: false, first: false, watched: false }
}

fn write(figures: &[f64]) -> String {
    format!("{} ±{:.0}%", rate(median(figures)), half_range(figures) * 100.0)
}
