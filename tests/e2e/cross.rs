//! Programs for other machines: really built, run where something runs them, and what is said where they cannot be.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Hydro, Output, Workspace, command, has_all, own_address, programs, shared_target};

const END: Duration = Duration::from_secs(60);
const ARM: &str = "aarch64-unknown-linux-gnu";
/// Debian's standard library for ARM, of its own compiler.
const ARM_LIBRARY: &str = "/usr/lib/rustlib/aarch64-unknown-linux-gnu";
/// Where its linker finds the C library.
const ARM_LIBC: &str = "/usr/aarch64-linux-gnu/lib/crti.o";
const EMULATOR: &str = "qemu-aarch64-static";

/// Begins a build of the counter.
fn build(arguments: &[&str]) -> Hydro {
    let before = ["build", "src/counter.hf", "--message-format", "json"];
    programs().workspace().hydro(before.into_iter().chain(arguments.iter().copied()))
}

/// Where zig builds: what cargo's own linker made must not be linked anew for it, and the other way round.
fn by_zig(arguments: &[&str]) -> Hydro {
    build(arguments).argument("--target-dir").argument(shared_target().join("zigbuild"))
}

/// Returns the line that says what builds.
#[track_caller]
fn building(output: &Output) -> String {
    let events = output.events_of("status");
    let lines: Vec<&str> = events
        .iter()
        .filter(|event| event["verb"] == "Building")
        .filter_map(|event| event["message"].as_str())
        .collect();
    assert_eq!(lines.len(), 1, "{output}");
    lines[0].to_owned()
}

/// Returns what the linker wrote into an executable, as binutils tell.
fn told(program: &str, arguments: &[&str], executable: &Path) -> String {
    let output = command(program).args(arguments).arg(executable).output().expect("can be run");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The newest glibc among the symbols that an executable asks for.
fn glibc(executable: &Path) -> (u32, u32) {
    let symbols = told("readelf", &["--version-info", "--wide"], executable);
    let versions = symbols.split("GLIBC_").skip(1).filter_map(|rest| {
        let text: String = rest.chars().take_while(|letter| letter.is_ascii_digit() || *letter == '.').collect();
        let mut numbers = text.split('.').map_while(|part| part.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    });
    versions.max().expect("it needs a glibc")
}

/// An ARM program counts what a program of this machine sends it.
#[track_caller]
fn counts_for_us(counter: &Path) {
    assert!(told("readelf", &["--file-header"], counter).contains("AArch64"), "{}", counter.display());
    let place = format!("tcp://{}", own_address());
    let counter = Hydro::named(EMULATOR)
        .argument(counter)
        .env("HYDRO_INPUT_NUMBERS", &place)
        .directory(programs().workspace().root())
        .start();
    counter.prints("0 numbers, sum 0\n");
    let numbers = Hydro::named(programs().executable("numbers"))
        .env("HYDRO_OUTPUT_OUT", &place)
        .arguments(["--count", "1000"])
        .start();
    counter.prints("1000 numbers, sum 499500\n");
    for running in [numbers, counter] {
        running.signal(Signal::TERM);
        running.finish(END).exits(0);
    }
}

#[test]
fn a_compiler_and_a_linker_that_lie_about_build_for_arm() {
    let tools = [ARM_LIBRARY, "aarch64-linux-gnu-gcc", ARM_LIBC, EMULATOR, "readelf"];
    if !has_all(&tools, "building for ARM with Debian's compiler") {
        return;
    }
    let output = build(&["--target", ARM]).run().exits(0);
    let artifact = output.events_of("artifact").remove(0);
    assert_eq!(artifact["target"], ARM, "{output}");
    if artifact["fresh"] == false {
        let line = building(&output);
        assert!(line.starts_with("counter for aarch64-unknown-linux-gnu with cargo"), "{line}");
        assert!(line.contains("aarch64-linux-gnu-gcc"), "{line}");
    }
    let executable = output.executable("src/counter.hf");
    assert!(executable.display().to_string().contains(ARM), "its place says what it is for: {}", executable.display());
    counts_for_us(&executable);
    // Another time nothing is asked, not even which compilers there are.
    let stub = stub("broken-compiler", "rustc", "echo called >&2\nexit 1\n");
    let again = build(&["--target", ARM]).env("PATH", before_path(&stub)).run().exits(0);
    assert_eq!(again.events_of("artifact")[0]["fresh"], true, "{again}");
    assert_eq!(again.executable("src/counter.hf"), executable);
}

#[test]
fn zig_builds_for_arm_and_for_an_older_glibc_in_one_go() {
    let tools = [ARM_LIBRARY, "cargo-zigbuild", EMULATOR, "readelf"];
    if !has_all(&tools, "building for ARM and for glibc 2.17 with cargo-zigbuild") {
        return;
    }
    let older = "x86_64-unknown-linux-gnu.2.17";
    let arm = format!("{ARM}.2.17");
    let output = by_zig(&["--target", &arm, "--target", older]).run().exits(0);
    let of_target = |target: &str| -> PathBuf {
        let artifacts = output.events_of("artifact");
        let found = artifacts.iter().find(|artifact| artifact["target"] == target);
        found
            .and_then(|artifact| artifact["executable"].as_str())
            .unwrap_or_else(|| panic!("{target}\n{output}"))
            .into()
    };
    for event in output.events_of("status").iter().filter(|event| event["verb"] == "Building") {
        let line = event["message"].as_str().expect("is text");
        assert!(line.contains(" with zigbuild") && line.ends_with(": only zig links for glibc 2.17"), "{line}");
    }
    let (arm, older) = (of_target(&arm), of_target(older));
    counts_for_us(&arm);
    assert_eq!(glibc(&arm), (2, 17));
    assert!(glibc(&older) <= (2, 17), "{:?}", glibc(&older));
    assert!(glibc(&programs().executable("counter")) > (2, 17), "this machine's own is newer");
    Hydro::named(&older).arguments(["--help"]).run().exits(0).prints(&["counter"]);
}

/// Lays a program that is a shell's text, and returns its folder.
fn stub(folder: &str, name: &str, text: &str) -> PathBuf {
    let workspace = Workspace::new(folder, &[(name, &format!("#!/bin/sh\n{text}"))]);
    let program = workspace.path(name);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("can be set");
    workspace.root().to_owned()
}

/// Puts a folder in front of the others.
fn before_path(folder: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path))).expect("are paths")
}

#[test]
fn cross_is_called_as_cargo_would_be_and_what_does_not_run_here_is_described_by_its_own_build() {
    let folder = tempfile::tempdir().expect("can be made");
    let log = folder.path().join("called");
    // A container's target folder has another name; what it builds does not run here.
    let text = format!(
        "echo \"$RUSTC_WORKSPACE_WRAPPER|$*\" >> {log}\nwhile [ $# -gt 0 ]; do\n  case $1 in --target-dir) target=$2; shift;; --bin) bin=$2; shift;; esac\n  shift\ndone\n\
         mkdir -p \"$target/riscv64gc-unknown-linux-gnu/debug\"\nprintf '\\177ELF of %s' \"$bin\" > \"$target/riscv64gc-unknown-linux-gnu/debug/$bin\"\n\
         echo \"{{\\\"reason\\\":\\\"compiler-artifact\\\",\\\"target\\\":{{\\\"name\\\":\\\"$bin\\\"}},\\\"executable\\\":\\\"/target/riscv64gc-unknown-linux-gnu/debug/$bin\\\"}}\"\n",
        log = log.display()
    );
    let path = before_path(&stub("stub-of-cross", "cross", &text));
    let call = build(&["--target", "riscv64gc-unknown-linux-gnu", "--builder", "cross", "--profile", "dev"]);
    let output = call.env("PATH", path).env("CROSS_CONTAINER_ENGINE", "podman").run().exits(0);
    assert_eq!(building(&output), "counter for riscv64gc-unknown-linux-gnu with cross: as it is wished");
    let told = output.events_of("status").into_iter().find(|event| event["verb"] == "Describing");
    let told = told.unwrap_or_else(|| panic!("{output}"));
    let expected = "counter as built for this machine, where nothing runs for riscv64gc-unknown-linux-gnu";
    assert_eq!(told["message"], expected);
    let called = std::fs::read_to_string(&log).expect("it was called");
    assert!(called.starts_with("|build --message-format=json --manifest-path "), "no wrapper: {called}");
    assert!(called.contains(" --profile dev --target riscv64gc-unknown-linux-gnu"), "{called}");
    let built = std::fs::read_to_string(output.executable("src/counter.hf")).expect("is there");
    assert_eq!(built, "\u{7f}ELF of hf-programs-counter");
}

#[test]
fn what_cannot_be_built_for_is_told_with_the_way_out() {
    let says = |arguments: &[&str], texts: &[&str]| {
        let arguments = ["build", "src/counter.hf"].into_iter().chain(arguments.iter().copied());
        programs().workspace().hydro(arguments).run().exits(101).says(texts);
    };
    says(
        &["--target", "sparc64-unknown-linux-gnu", "--builder", "cargo"],
        &[
            "error: cannot build for `sparc64-unknown-linux-gnu` on this machine",
            "Caused by:\n  cargo: rustc 1.",
            "has no standard library for it",
            "`rustup target add sparc64-unknown-linux-gnu`",
            "`cargo hydro doctor --target sparc64-unknown-linux-gnu` tells more",
        ],
    );
    says(
        &["--target", "aarch64-unknown-linux-gun"],
        &[
            "knows no target `aarch64-unknown-linux-gun`",
            "there is a target with a similar name: `aarch64-unknown-linux-gnu`",
        ],
    );
    let usage = |arguments: &[&str], text: &str| {
        let arguments = ["build"].into_iter().chain(arguments.iter().copied());
        programs().workspace().hydro(arguments).run().exits(1).says(&[text]);
    };
    usage(&["--builder", "make"], "there is no builder `make`");
    usage(&["--target", "x86_64-unknown-linux-gnu.new"], "no version of glibc");
}

#[test]
fn a_machine_of_the_toml_says_what_it_is() {
    let toml = "[machines.here]\nkind = \"localhost\"\n[machines.board]\nkind = \"localhost\"\ntarget = \"sparc64-unknown-linux-gnu\"\nbuilder = \"cargo\"\n\
                [machines.odd]\nkind = \"localhost\"\ntarget = \"aarch64-unknown-linux-musl\"\nlibc = \"2.17\"\n[services.counter]\nsrc = \"src/counter.hf\"\n";
    let deployed = programs().with(toml, &[]);
    let build =
        |machine: &str| deployed.hydro(["build", "src/counter.hf", "--message-format", "json", "--for", machine]);
    let output = build("here").run().exits(0);
    assert_eq!(output.executable("src/counter.hf"), programs().executable("counter"), "it is this machine");
    let said = |machine: &str, code: i32, texts: &[&str]| {
        deployed.hydro(["build", "src/counter.hf", "--for", machine]).run().exits(code).says(texts);
    };
    said("board", 101, &["cannot build for `sparc64-unknown-linux-gnu` on this machine"]);
    said("odd", 96, &["cannot build for the machine `odd`", "`aarch64-unknown-linux-musl` has no glibc"]);
    said("bord", 4, &["`Hydro.toml` has no machine `bord`", "a similar name exists: `board`"]);
    drop(deployed);
    let none = programs().workspace().hydro(["build", "--for", "here"]).run().exits(96);
    none.says(&["there is no `Hydro.toml`"]);
}
