//! `services`: how long it takes until many services run, beside hydro_deploy; and what a deployment that stays costs.
//!
//! The same flow on both sides, a ring of services that wait: programs are built before, each side looks itself whether they still are what they should be.
//! Both take turns. Read [`ours::Ours`] and [`theirs`] first; `README.md` tells the flags.

mod memory;
mod ours;
mod theirs;

use std::process::ExitCode;

use benches::figures::{Bar, load, median, ratio, table};
use benches::flags::Flags;
use benches::hydro::{benches_folder, command};
use ours::Ours;

/// What one deployment took.
struct Up {
    seconds: f64,
    /// Of one service: what is resident, and what of that is its own.
    memory: (f64, f64),
}

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), String> {
    let flags = Flags::read(&["--hydro=", "--counts=", "--repetitions=", "--edits=", "--no-ops=", "--alone"])?;
    let counts: Vec<usize> = flags.values("--counts", &[1, 10, 50, 100, 200])?;
    let repetitions: usize = flags.value("--repetitions", 3)?;
    let (edits, no_ops): (usize, usize) = (flags.value("--edits", 5)?, flags.value("--no-ops", 11)?);
    let work = benches_folder().join("target/services");
    let ours = Ours::new(&work, command(&flags)?)?;
    let theirs = if flags.has("--alone") { None } else { Some(theirs::Theirs::new(&work)?) };
    println!("load before: {}", load());
    let mut rows = vec![["services", "hydro", "hydro_deploy", "ratio", "linked"].map(str::to_owned).to_vec()];
    let (mut medians, mut memory) = (Vec::new(), Vec::new());
    for &count in &counts {
        let (mut mine, mut other, mut linked) = (Vec::new(), Vec::new(), Vec::new());
        for repetition in 1..=repetitions {
            eprintln!("{count} services: {repetition} of {repetitions}");
            let (up, share) = ours.ring(count)?;
            mine.push(up.seconds);
            linked.push(share);
            memory.push(("hydro", up.memory));
            if let Some(theirs) = &theirs {
                let up = theirs.ring(count)?;
                other.push(up.seconds);
                memory.push(("hydro_deploy", up.memory));
            }
        }
        let (mine, other) = (median(&mine), median(&other));
        medians.push((count, mine, other));
        let verdict = ratio(mine / other, Some(Bar::AtMost(1.0)));
        rows.push(vec![count.to_string(), seconds(mine), seconds(other), verdict, share(median(&linked))]);
    }
    println!("\n{}", table(&rows));
    println!("`linked`: links that were connected when `deploy --detach` had just returned.");
    tell_slopes(&medians);
    tell_memory(&memory);
    tell_stay(&ours, edits, no_ops)?;
    println!("load after:  {}", load());
    Ok(())
}

fn share(figure: f64) -> String {
    if figure.is_nan() { "-".to_owned() } else { format!("{:.0} %", figure * 100.0) }
}

fn seconds(figure: f64) -> String {
    if figure.is_nan() { "-".to_owned() } else { format!("{figure:.3} s") }
}

/// Prints what each further service costs, from count to count: where that stays the same, the cost is linear.
fn tell_slopes(medians: &[(usize, f64, f64)]) {
    let mut rows = vec![["each further service", "hydro", "hydro_deploy"].map(str::to_owned).to_vec()];
    for pair in medians.windows(2) {
        let ((few, few_ours, few_theirs), (many, many_ours, many_theirs)) = (pair[0], pair[1]);
        let slope = |few_took: f64, many_took: f64| (many_took - few_took) / (many as f64 - few as f64) * 1e3;
        let cell = |figure: f64| if figure.is_nan() { "-".to_owned() } else { format!("{figure:.2} ms") };
        let (mine, other) = (slope(few_ours, many_ours), slope(few_theirs, many_theirs));
        rows.push(vec![format!("from {few} to {many}"), cell(mine), cell(other)]);
    }
    println!("\n{}", table(&rows));
}

fn tell_memory(all: &[(&str, (f64, f64))]) {
    let mut rows = vec![["memory of an idle service", "resident", "its own", "bar"].map(str::to_owned).to_vec()];
    for side in ["hydro", "hydro_deploy"] {
        let of = |pick: fn(&(f64, f64)) -> f64| {
            let figures: Vec<f64> =
                all.iter().filter(|(name, _)| *name == side).map(|(_, memory)| pick(memory)).collect();
            median(&figures)
        };
        let (resident, own) = (of(|memory| memory.0), of(|memory| memory.1));
        let bar = if side == "hydro" { Bar::AtMost(5.0).judge(own) + " MiB" } else { String::new() };
        rows.push(vec![side.to_owned(), format!("{resident:.2} MiB"), format!("{own:.2} MiB"), bar]);
    }
    println!("{}", table(&rows));
}

/// Prints what a deploy costs that changes nothing, and one that changes an operator.
fn tell_stay(ours: &Ours, edits: usize, no_ops: usize) -> Result<(), String> {
    let (nothing, edited) = ours.stay(no_ops, edits)?;
    let (nothing, edited) = (median(&nothing), median(&edited));
    let rows = [
        ["a deployment of two that stays", "takes", "bar"].map(str::to_owned).to_vec(),
        vec!["`deploy --detach`, nothing changed".into(), seconds(nothing), Bar::AtMost(0.3).judge(nothing) + " s"],
        vec!["an operator edited, until it runs".into(), seconds(edited), Bar::AtMost(2.0).judge(edited) + " s"],
    ];
    println!("{}", table(&rows));
    Ok(())
}
