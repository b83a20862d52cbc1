//! `check`: how long it takes to find everything that is wrong but types, without cargo and rustc.
//!
//! The same texts go through the library, within this process, and through `hydro check --no-rustc`. Read [`inputs`] first; `README.md` tells the flags.

mod inputs;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use benches::figures::{load, median, table};
use benches::flags::Flags;
use benches::hydro::{benches_folder, clean, command};
use benches::process::cost;
use hydroflow_standalone::diagnostic::has_errors;
use hydroflow_standalone::graph::GraphOptions;
use hydroflow_standalone::{NoLibrary, Options, Products, compile_with};
use inputs::Input;

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
    let flags = Flags::read(&["--hydro=", "--inputs=", "--repetitions=", "--in-process"])?;
    let repetitions: usize = flags.value("--repetitions", 31)?;
    let hydro = if flags.has("--in-process") { None } else { Some(command(&flags)?) };
    let work = benches_folder().join("target/check");
    println!("load before: {}", load());
    let mut rows = vec![["", "lines", "library", "bar", "hydro check --no-rustc", "bar"].map(str::to_owned).to_vec()];
    let chosen: Vec<String> = flags.values("--inputs", &inputs::usual())?;
    for input in inputs::all()?.into_iter().filter(|input| chosen.iter().any(|chosen| chosen == input.folder)) {
        let folder = work.join(input.folder);
        input.write(&folder)?;
        let (mut library, mut process) = (Vec::new(), Vec::new());
        // The first call asks cargo about the workspace; later ones remember.
        hydro.iter().try_for_each(|hydro| through_process(hydro, &folder).map(|_| ()))?;
        for _ in 0..repetitions {
            library.push(through_library(&input)?);
            if let Some(hydro) = &hydro {
                process.push(through_process(hydro, &folder)?);
            }
        }
        let (library, process) = (median(&library), median(&process));
        let verdict = |figure: f64| match input.bar.filter(|_| !figure.is_nan()) {
            Some(bar) => format!("{:.2}x ({})", figure / bar, if figure < bar { "ok" } else { "MISSED" }),
            None => "-".to_owned(),
        };
        let cells = [milliseconds(library), verdict(library), milliseconds(process), verdict(process)];
        rows.push([input.name.to_owned(), input.lines().to_string()].into_iter().chain(cells).collect());
    }
    println!("\n{}", table(&rows));
    if let Some(hydro) = &hydro {
        println!("`hydro --version` takes {}", milliseconds(start(hydro, repetitions)?));
    }
    println!("load after:  {}", load());
    Ok(())
}

/// Checks each program of an input within this process, one after the other.
fn through_library(input: &Input) -> Result<f64, String> {
    let start = Instant::now();
    for source in &input.sources {
        let options = Options {
            program: "program".to_owned(),
            graph: GraphOptions { type_guards: true },
            products: Products::CheckLibrary,
            root: String::new(),
        };
        let outcome = compile_with(source, &NoLibrary, &options);
        if has_errors(&outcome.diagnostics) {
            return Err(format!("{} has errors: {:?}", source.name(), outcome.diagnostics));
        }
    }
    Ok(start.elapsed().as_secs_f64())
}

fn through_process(hydro: &Path, folder: &Path) -> Result<f64, String> {
    let mut check = Command::new(hydro);
    clean(check.args(["check", "--no-rustc", "--quiet"]).current_dir(folder));
    cost(&mut check).map(|cost| cost.wall)
}

/// What it takes to start the command at all.
fn start(hydro: &Path, repetitions: usize) -> Result<f64, String> {
    let once = |_| {
        let mut version = Command::new(hydro);
        clean(version.arg("--version"));
        cost(&mut version).map(|cost| cost.wall)
    };
    (0..repetitions).map(once).collect::<Result<Vec<f64>, String>>().map(|figures| median(&figures))
}

fn milliseconds(figure: f64) -> String {
    format!("{:.1} ms", figure * 1e3)
}
