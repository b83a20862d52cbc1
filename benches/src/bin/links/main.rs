//! `links`: what a link between two processes carries, and how long a round trip takes: two `.hf` programs, hydro_deploy's path, raw sockets.
//!
//! All paths take turns in one run, so that whatever disturbs the machine disturbs them alike. Read [`cell::Kind`] first; `README.md` tells the flags.

mod bare;
mod cell;
mod certificates;
mod cpu;
mod hydra_actors;
mod hydro_deploy;
mod iperf3;
mod ours;
mod raw;
mod rivals;
mod show;
mod timely_exchange;

use std::process::ExitCode;
use std::time::Duration;

use benches::figures::load;
use benches::flags::Flags;
use benches::process::Talker;
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
        Path::Bare => bare::work(&cell),
        Path::Timely => timely_exchange::work(&cell),
        Path::Hydra => {
            hydra_actors::work(&cell);
            Ok(())
        }
        Path::Ours => Err("our path has programs of its own".to_owned()),
    }
}

fn measure() -> Result<(), String> {
    let flags = Flags::read(&[
        "--unix",
        "--shm",
        "--spin",
        "--cpu",
        "--timely",
        "--hydra",
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
    let how = (repetitions, seconds, flags.has("--first"));
    println!("load before: {}", load());
    if flags.has("--cpu") {
        return cpu::measure(&programs, &sizes, how);
    }
    if flags.has("--timely") {
        return rivals::timely(&programs, &sizes, (repetitions, seconds));
    }
    if flags.has("--hydra") {
        return rivals::hydra(&programs, (repetitions, seconds));
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
            watched: false,
        })
        .filter(Cell::makes_sense)
        .collect();
    let figures = take_turns(&cells, repetitions, &programs);
    println!("load after:  {}\n", load());
    show::print(&cells, &figures);
    if transport == Transport::Tcp
        && let Some(rate) = iperf3::bytes_per_second(flags.has("--first"))
    {
        println!("iperf3, one way: {:.2} GB/s", rate / 1e9);
    }
    Ok(())
}

/// Measures each cell as often as that, one after the other; one that stalls has no figures from then on.
fn take_turns(cells: &[Cell], repetitions: usize, programs: &ours::Programs) -> Vec<Vec<f64>> {
    let mut figures: Vec<Vec<f64>> = vec![Vec::new(); cells.len()];
    let mut stalled = vec![false; cells.len()];
    for repetition in 1..=repetitions {
        eprintln!("repetition {repetition} of {repetitions}");
        for ((cell, figures), stalled) in cells.iter().zip(&mut figures).zip(&mut stalled) {
            if *stalled {
                continue;
            }
            match run(cell, programs) {
                Ok(figure) => figures.push(figure),
                Err(error) => {
                    eprintln!("{cell:?}: {error}");
                    *stalled = true;
                }
            }
        }
    }
    figures
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
    let (receiver, sender) = start(cell, programs)?;
    let reporter = if cell.kind == Kind::Throughput { &receiver } else { &sender };
    let figure = reporter.hear("RESULT", Duration::from_secs_f64(cell.seconds + 5.0))?;
    figure.parse().map_err(|_| format!("`{figure}` is no figure"))
}

/// Starts both ends, the receiver first, and makes them known to each other.
fn start(cell: &Cell, programs: &ours::Programs) -> Result<(Talker, Talker), String> {
    if cell.path == Path::Ours {
        return ours::start(cell, programs);
    }
    let (mut receiver, mut sender) = cell.start_workers()?;
    let patience = Duration::from_secs(5);
    let (there, here) = (receiver.hear("READY", patience)?, sender.hear("READY", patience)?);
    receiver.tell(&here)?;
    sender.tell(&there)?;
    Ok((receiver, sender))
}
