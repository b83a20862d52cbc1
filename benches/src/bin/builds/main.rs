//! `builds`: what it costs to build a program from an `.hf` file, beside the same flow written by hand with `dfir_syntax!`.
//!
//! Both sides take turns. Counted are processor seconds of the whole tree of processes, which other work on the machine disturbs little, and wall
//! time. Read [`side::Side`] first; `README.md` tells the flags.

mod show;
mod side;

use std::path::Path;
use std::process::{Command, ExitCode};

use benches::figures::load;
use benches::flags::Flags;
use benches::hydro::{benches_folder, clean, command};
use benches::process::{Cost, cost};
use side::{Profile, Side};

/// What is measured of both sides.
#[derive(Debug, Default)]
pub(crate) struct Costs {
    pub(crate) cold: Vec<Cost>,
    pub(crate) edit: Vec<Cost>,
    pub(crate) nothing: Vec<Cost>,
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
    let flags =
        Flags::read(&["--hydro=", "--profiles=", "--repetitions=", "--edits=", "--no-ops=", "--with-dfir-defaults"])?;
    let profiles: Vec<Profile> = flags.values("--profiles", &[Profile::Dev, Profile::Release])?;
    let repetitions: usize = flags.value("--repetitions", 3)?;
    let edits: usize = flags.value("--edits", 7)?;
    let no_ops: usize = flags.value("--no-ops", 21)?;
    let hydro = command(&flags)?;
    let work = benches_folder().join("target/builds");
    let mut sides = vec![Side::hf(&work, &hydro)?, Side::by_hand(&work)?];
    if flags.has("--with-dfir-defaults") {
        sides.push(Side::by_hand_with_defaults(&work)?);
    }
    for side in &sides {
        side.fetch()?;
    }
    println!("load before: {}", load());
    for profile in profiles {
        let mut costs: Vec<Costs> = sides.iter().map(|_| Costs::default()).collect();
        for repetition in 1..=repetitions {
            eprintln!("{}: cold build {repetition} of {repetitions}", profile.name());
            for (side, costs) in sides.iter().zip(&mut costs) {
                side.forget()?;
                costs.cold.push(side.build(profile)?);
            }
        }
        eprintln!("{}: {edits} edits, {no_ops} builds of nothing", profile.name());
        for edit in 1..=edits {
            for (side, costs) in sides.iter().zip(&mut costs) {
                side.edit(edit)?;
                costs.edit.push(side.build(profile)?);
            }
        }
        let mut start = Vec::new();
        for _ in 0..no_ops {
            start.push(process_start(&hydro)?);
            for (side, costs) in sides.iter().zip(&mut costs) {
                costs.nothing.push(side.build(profile)?);
            }
        }
        show::print(profile, &sides, &costs, &start);
    }
    println!("load after:  {}", load());
    Ok(())
}

/// What it costs to start the command at all.
fn process_start(hydro: &Path) -> Result<Cost, String> {
    let mut command = Command::new(hydro);
    clean(command.arg("--version"));
    cost(&mut command)
}
