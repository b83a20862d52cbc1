//! `links`: what a link between two processes carries, and how long a round trip takes: two `.hf` programs, hydro_deploy's path, raw sockets.
//!
//! All paths take turns in one run, so that whatever disturbs the machine disturbs them alike. Read [`cell::Kind`] first; `README.md` tells the flags.

mod cell;
mod hydro_deploy;
mod iperf3;
mod ours;
mod raw;
mod show;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

use benches::figures::load;
use benches::flags::Flags;
use cell::{Cell, Kind, Path, Transport};

/// The word before the arguments of a process that this one starts from its own executable.
const WORKER: &str = "worker";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        Some((word, rest)) if word == WORKER => worker(rest),
        _ => measure(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn worker(arguments: &[String]) -> Result<(), String> {
    let cell = Cell::read(arguments)?;
    match cell.path {
        Path::HydroDeploy => hydro_deploy::work(&cell),
        Path::Raw => raw::work(&cell).map_err(|error| error.to_string()),
        Path::Ours => Err("our path has programs of its own".to_owned()),
    }
}

fn measure() -> Result<(), String> {
    let flags = Flags::read(&[
        "--unix",
        "--shm",
        "--spin",
        "--tls",
        "--first",
        "--sizes=",
        "--kinds=",
        "--repetitions=",
        "--seconds=",
        "--hydro=",
    ])?;
    let transport = transport(&flags);
    let sizes: Vec<usize> = flags.values("--sizes", &[8, 64, 1024, 65_536])?;
    let kinds: Vec<Kind> = flags.values("--kinds", &[Kind::Throughput, Kind::RoundTrip, Kind::Window])?;
    let repetitions: usize = flags.value("--repetitions", 5)?;
    let seconds: f64 = flags.value("--seconds", 0.25)?;
    let programs = ours::build(&benches::hydro::command(&flags)?)?;
    if flags.has("--tls") {
        println!("load before: {}", load());
        return tls::measure(&programs, &sizes, (repetitions, seconds, flags.has("--first")));
    }
    let cells: Vec<Cell> = kinds
        .iter()
        .flat_map(|kind| sizes.iter().flat_map(|size| Path::ALL.map(|path| (*kind, *size, path))))
        .map(|(kind, bytes, path)| Cell {
            path,
            kind,
            bytes,
            seconds,
            transport,
            spin: flags.has("--spin"),
            first: flags.has("--first"),
        })
        .filter(Cell::makes_sense)
        .collect();
    let mut figures: Vec<Vec<f64>> = vec![Vec::new(); cells.len()];
    let mut stalled = vec![false; cells.len()];
    println!("load before: {}", load());
    for repetition in 1..=repetitions {
        eprintln!("repetition {repetition} of {repetitions}");
        for ((cell, figures), stalled) in cells.iter().zip(&mut figures).zip(&mut stalled) {
            if *stalled {
                continue;
            }
            match run(cell, &programs) {
                Ok(figure) => figures.push(figure),
                Err(error) => {
                    eprintln!("{cell:?}: {error}");
                    *stalled = true;
                }
            }
        }
    }
    println!("load after:  {}\n", load());
    show::print(&cells, &figures);
    if transport == Transport::Tcp
        && let Some(rate) = iperf3::bytes_per_second(flags.has("--first"))
    {
        println!("iperf3, one way: {:.2} GB/s", rate / 1e9);
    }
    Ok(())
}

fn transport(flags: &Flags) -> Transport {
    match (flags.has("--unix"), flags.has("--shm")) {
        (_, true) => Transport::Shm,
        (true, false) => Transport::Unix,
        (false, false) => Transport::Tcp,
    }
}

/// Runs both ends once.
fn run(cell: &Cell, programs: &ours::Programs) -> Result<f64, String> {
    let patience = Duration::from_secs_f64(cell.seconds + 5.0);
    let (mut receiver, mut sender) = match cell.path {
        Path::Ours => ours::start(cell, programs)?,
        Path::HydroDeploy | Path::Raw => cell.start_workers()?,
    };
    if !matches!(cell.path, Path::Ours) {
        let (there, here) = (receiver.hear("READY", patience)?, sender.hear("READY", patience)?);
        receiver.tell(&here)?;
        sender.tell(&there)?;
    }
    let reporter = if cell.kind == Kind::Throughput { &receiver } else { &sender };
    let figure = reporter.hear("RESULT", patience)?;
    figure.parse().map_err(|_| format!("`{figure}` is no figure"))
}
