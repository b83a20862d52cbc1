//! `hydro-host serve FOLDER` keeps a deployment's members up; `hydro-host attach FOLDER` joins its caller to it; `hydro-host keep …` is the program of a
//! member's unit.

use std::path::Path;
use std::process::ExitCode;

use hydro_host::words::Services;

#[expect(clippy::print_stderr, reason = "the last word of a program without a reporter")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["serve", folder] => hydro_host::serve(Path::new(folder)),
        ["guard", folder] => hydro_host::guard(Path::new(folder)),
        ["attach", folder] => hydro_host::attach(Path::new(folder), Services::Plain),
        ["attach", folder, services] if Services::of(services).is_some() => {
            hydro_host::attach(Path::new(folder), Services::of(services).unwrap_or_default())
        }
        ["keep", folder, member, tag] => match hydro_host::keep(Path::new(folder), member, tag) {
            Ok(end) => return ended(end),
            Err(error) => Err(error),
        },
        _ => {
            eprintln!("usage: hydro-host serve FOLDER | attach FOLDER [auto|systemd|plain]");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hydro-host: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ends as the member did, so that systemd tells it and does what it was told to do then.
fn ended(end: Option<(Option<i32>, Option<i32>)>) -> ExitCode {
    match end {
        None | Some((Some(0), _)) => ExitCode::SUCCESS,
        Some((Some(code), _)) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Some((None, signal)) => {
            signal.into_iter().for_each(hydro_host::end_by);
            ExitCode::FAILURE
        }
    }
}
