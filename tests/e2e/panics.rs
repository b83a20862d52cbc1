//! A panic in a closure names the `.hf` file and line, and so does its backtrace.

use crate::support::{Hydro, Output, programs};

fn panic_of(program: &str, backtrace: &str) -> Output {
    Hydro::named(programs().executable(program)).env("RUST_BACKTRACE", backtrace).run().exits(101)
}

/// Returns the places of the backtrace's frames that are in the user's workspace.
fn users_frames(output: &Output) -> Vec<String> {
    let root = programs().workspace().root().to_string_lossy().into_owned();
    let places = output.stderr.lines().filter_map(|line| line.trim_start().strip_prefix("at "));
    let places = places.map(|place| place.replace(&format!("{root}/"), "./"));
    places.filter_map(|place| place.strip_prefix("./").map(str::to_owned)).collect()
}

#[test]
fn the_message_names_the_line_of_the_closure() {
    let output = panic_of("divides", "0");
    assert!(output.stderr.contains("panicked at src/divides.hf:5:13:\nattempt to divide by zero"), "{output}");
}

#[test]
fn the_frames_name_the_lines_of_the_dataflow() {
    for backtrace in ["1", "full"] {
        let output = panic_of("divides", backtrace);
        let frames = users_frames(&output);
        assert_eq!(frames.first().map(String::as_str), Some("src/divides.hf:5:13"), "{frames:#?}\n{output}");
        assert!(!output.stderr.contains("/gen-"), "{output}");
    }
}

#[test]
fn a_panic_in_the_library_shows_the_closure_that_called() {
    let output = panic_of("panics", "1");
    assert_eq!(output.stdout, "passed 0\nleft 2\npassed 1\nleft 1\npassed 2\nleft 0\n");
    let frames = users_frames(&output);
    assert_eq!(frames[..2], ["src/lib.rs:5:5", "src/panics.hf:6:25"], "{output}");
}
