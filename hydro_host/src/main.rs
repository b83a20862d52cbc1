//! `hydro-host serve FOLDER` keeps a deployment's members up; `hydro-host attach FOLDER` joins its caller to it.

use std::path::Path;
use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "the last word of a program without a reporter")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["serve", folder] => hydro_host::serve(Path::new(folder)),
        ["guard", folder] => hydro_host::guard(Path::new(folder)),
        ["attach", folder] => hydro_host::attach(Path::new(folder)),
        _ => {
            eprintln!("usage: hydro-host serve FOLDER | attach FOLDER");
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
