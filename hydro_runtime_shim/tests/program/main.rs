//! A built program as its user meets it: command line, environment, exit codes, signals. The program is `examples/relay.rs`.
#![expect(clippy::disallowed_methods, reason = "a built program is a process")]

mod attack;
mod demux;
mod near;

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Returns the example's binary, which cargo builds along with the tests.
fn relay_path() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a file");
    let target = test.ancestors().nth(2).expect("target/debug/deps/test");
    target.join("examples").join("relay")
}

fn relay(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(relay_path());
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finish(mut command: Command) -> (Option<i32>, String, String) {
    text(command.output().expect("the example is built"))
}

fn text(output: Output) -> (Option<i32>, String, String) {
    let utf8 = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), utf8(output.stdout), utf8(output.stderr))
}

/// A running program that does not outlive its test.
struct Running(Child);

impl Running {
    fn start(mut command: Command) -> (Self, BufReader<ChildStdout>) {
        let mut child = command.spawn().expect("the example is built");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        (Self(child), stdout)
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.0.id().to_string()]).status().expect("kill");
        assert!(status.success());
    }

    /// Waits for the end; returns the exit code and what was said on stderr.
    fn end(&mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            if let Some(status) = self.0.try_wait().expect("our child") {
                break status;
            }
            assert!(Instant::now() < deadline, "still running");
            std::thread::yield_now();
        };
        let mut stderr = String::new();
        self.0.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        (status.code(), stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).expect("UTF-8");
    line.trim_end().to_owned()
}

#[test]
fn help_lists_ports_parameters_variables_and_exit_codes() {
    let (code, stdout, stderr) = finish(relay(&["--help"], &[]));
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for part in [
        "Passes items on, each with a prefix.",
        "input  inbound: String   HYDRO_INPUT_INBOUND",
        "output outbound: String  HYDRO_OUTPUT_OUTBOUND",
        "--start-with <u64>  HYDRO_PARAM_START_WITH  (default: 0)",
        "shm:PATH[#PEER_PORT]",
        "HYDRO_DEPLOYMENT",
        "HYDRO_POLL        park | spin",
        "Exit codes:",
    ] {
        assert!(stdout.contains(part), "{part}:\n{stdout}");
    }
}

#[test]
fn describe_is_one_line_of_json_in_the_contract_s_words() {
    let (code, stdout, _) = finish(relay(&["--describe"], &[]));
    assert_eq!((code, stdout.lines().count()), (Some(0), 1));
    let description: hydro_runtime_shim::contract::ProgramDescription =
        serde_json::from_str(&stdout).expect("the contract's words");
    assert_eq!(description.program, "relay");
    assert_eq!(description.ports[0].type_name, "alloc::string::String");
    assert_eq!(description.ports[0].type_id, description.ports[1].type_id);
    assert_eq!(description.params[1].name, "start_with");
}

#[test]
fn all_mistakes_are_reported_at_once_with_exit_code_2() {
    let variables = [("HYDRO_INPUT_INBOUND", "http://x"), ("HYDRO_MEMBER", "first"), ("HYDRO_ADDRESS", "here")];
    let (code, stdout, stderr) = finish(relay(&["--prefx", "x"], &variables));
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    for part in ["`--prefx`", "nearest one is `--prefix`", "HYDRO_INPUT_INBOUND", "HYDRO_MEMBER", "HYDRO_ADDRESS"] {
        assert!(stderr.contains(part), "{part}:\n{stderr}");
    }
    let (code, _, stderr) = finish(relay(&[], &variables));
    assert_eq!(code, Some(2));
    for part in [
        "HYDRO_INPUT_INBOUND: cannot read `http://x`: must start with `tcp://`",
        "example: HYDRO_INPUT_INBOUND=tcp://0.0.0.0:4000",
        "HYDRO_OUTPUT_OUTBOUND is not set: where does output `outbound` send to?",
        "HYDRO_MEMBER: cannot read `first`",
        "HYDRO_ADDRESS: cannot read `here`",
        "`relay --help` lists",
    ] {
        assert!(stderr.contains(part), "{part}:\n{stderr}");
    }
}

#[test]
fn a_parameter_of_another_type_names_its_flag_or_variable() {
    let bound = [("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", "null")];
    let (code, _, stderr) = finish(relay(&["--start-with", "many"], &bound));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--start-with: cannot read `many`: "), "{stderr}");
    assert!(stderr.contains("example: --start-with 1000"), "{stderr}");
    let with_variable = [bound[0], bound[1], ("HYDRO_PARAM_START_WITH", "-1")];
    let (code, _, stderr) = finish(relay(&[], &with_variable));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("HYDRO_PARAM_START_WITH: cannot read `-1`: "), "{stderr}");
}

#[test]
fn an_address_in_use_is_named_with_its_variable() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = format!("tcp://{}", taken.local_addr().expect("an address"));
    let (code, _, stderr) = finish(relay(&[], &[("HYDRO_INPUT_INBOUND", &place), ("HYDRO_OUTPUT_OUTBOUND", "null")]));
    assert_eq!(code, Some(2));
    assert!(stderr.contains(&format!("HYDRO_INPUT_INBOUND: cannot listen on `{place}`: ")), "{stderr}");
}

#[test]
fn programs_pass_items_on_and_stop_on_a_signal_without_a_complaint() {
    let directory = std::env::temp_dir();
    let socket = |name: &str| format!("unix:{}/hydro-relay-{}-{name}", directory.display(), std::process::id());
    let (middle, last) = (socket("middle"), socket("last"));
    // In the wrong order: who dials is there before who listens.
    let variables = [("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", middle.as_str())];
    let (mut first, _first_out) = Running::start(relay(&["--start-with", "3", "--prefix", "a"], &variables));
    let variables = [("HYDRO_INPUT_INBOUND", middle.as_str()), ("HYDRO_OUTPUT_OUTBOUND", last.as_str())];
    let (mut second, _second_out) = Running::start(relay(&["--prefix=b"], &variables));
    let variables =
        [("HYDRO_INPUT_INBOUND", last.as_str()), ("HYDRO_OUTPUT_OUTBOUND", "null"), ("HYDRO_PARAM_PREFIX", "c")];
    let (mut third, mut out) = Running::start(relay(&[], &variables));
    assert_eq!([line(&mut out), line(&mut out), line(&mut out)], ["cba0", "cba1", "cba2"]);
    first.signal("-TERM");
    assert_eq!(first.end(), (Some(0), String::new()));
    second.signal("-INT");
    assert_eq!(second.end(), (Some(0), String::new()));
    third.signal("-TERM");
    assert_eq!(third.end(), (Some(0), String::new()));
    assert!(!PathBuf::from(last.trim_start_matches("unix:")).exists());
}

#[test]
fn a_peer_that_is_killed_is_missed_aloud() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = format!("tcp://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let variables = [("HYDRO_INPUT_INBOUND", place.as_str()), ("HYDRO_OUTPUT_OUTBOUND", "null")];
    let (mut receiver, mut out) = Running::start(relay(&[], &variables));
    let variables =
        [("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", place.as_str()), ("HYDRO_SERVICE", "lost")];
    let (mut sender, _sender_out) = Running::start(relay(&["--start-with", "1"], &variables));
    assert_eq!(line(&mut out), "0");
    sender.signal("-KILL");
    assert_eq!(sender.end().0, None);
    receiver.signal("-TERM");
    let (code, stderr) = receiver.end();
    assert_eq!(code, Some(0));
    assert!(stderr.starts_with("hydro: inbound: lost.0 (127.0.0.1:"), "{stderr}");
    assert!(stderr.ends_with("is gone: it hung up without a goodbye\n"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);
}

#[test]
fn an_inherited_socket_is_used_instead_of_a_new_one() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let place = format!("tcp://{address}");
    // Somebody calls before the program runs: the socket keeps the call.
    let early = TcpStream::connect(address).expect("it listens");
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" 3<&0 </dev/null"]).arg(relay_path()).env_clear();
    command.env("LISTEN_FDS", "1").env("HYDRO_INPUT_INBOUND", &place);
    command.env("HYDRO_OUTPUT_OUTBOUND", format!("listen:{place}"));
    command.stdin(OwnedFd::from(listener)).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (mut receiver, mut out) = Running::start(command);
    let variables = [("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", place.as_str())];
    let (_sender, _sender_out) = Running::start(relay(&["--start-with", "1", "--prefix", "x"], &variables));
    assert_eq!(line(&mut out), "x0");
    drop(early);
    receiver.signal("-TERM");
    assert_eq!(receiver.end(), (Some(0), String::new()));
}

#[test]
fn a_wrong_count_of_inherited_sockets_is_a_mistake_not_a_crash() {
    let bound = [("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", "null")];
    for count in ["9", "-1", "many"] {
        let (code, _, stderr) = finish(relay(&[], &[bound[0], bound[1], ("LISTEN_FDS", count)]));
        assert_eq!(code, Some(2));
        assert!(stderr.contains(&format!("LISTEN_FDS: cannot read `{count}`: ")), "{stderr}");
    }
}

#[test]
fn a_second_signal_ends_a_program_that_cannot_get_rid_of_its_items() {
    // The peer shakes hands like a program, and then takes nothing: it is stopped itself.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = format!("tcp://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let variables = [("HYDRO_INPUT_INBOUND", place.as_str()), ("HYDRO_OUTPUT_OUTBOUND", "null")];
    let (receiver, mut received) = Running::start(relay(&[], &variables));
    let variables = [("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", place.as_str())];
    let (mut sender, mut sent) = Running::start(relay(&["--start-with", "10000000"], &variables));
    // Its standard output is read all the time, until the items queued for the stopped peer bring it to a halt.
    let (told, halted) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        while sent.read_line(&mut line).is_ok_and(|count| count > 0) {
            line.clear();
            let _ = told.send(());
        }
    });
    assert_eq!(line(&mut received), "0");
    receiver.signal("-STOP");
    while halted.recv_timeout(Duration::from_secs(1)).is_ok() {}
    sender.signal("-TERM");
    // The first signal closes nothing that a test could see: the second is sent until the program ends.
    let deadline = Instant::now() + Duration::from_secs(3);
    while sender.0.try_wait().expect("our child").is_none() && Instant::now() < deadline {
        sender.signal("-TERM");
        std::thread::yield_now();
    }
    assert_eq!(sender.end().0, Some(143));
    receiver.signal("-CONT");
    reader.join().expect("no panic");
}

#[test]
fn variables_that_name_nothing_are_pointed_out() {
    let place = "listen:tcp://127.0.0.1:0";
    let variables = [("HYDRO_INPUT_INBOUND", place), ("HYDRO_OUTPUT_OUTBOUND", "null"), ("HYDRO_PARAM_PREFIKS", "x")];
    let (mut program, mut out) = Running::start(relay(&["--start-with", "1"], &variables));
    assert_eq!(line(&mut out), "0");
    program.signal("-TERM");
    let (code, stderr) = program.end();
    assert_eq!(code, Some(0));
    assert_eq!(stderr, "hydro: HYDRO_PARAM_PREFIKS names nothing of this program; the nearest is HYDRO_PARAM_PREFIX\n");
}

#[test]
fn standard_input_and_output_can_be_ports() {
    let variables = [("HYDRO_INPUT_INBOUND", "stdio:json"), ("HYDRO_OUTPUT_OUTBOUND", "stdio:json")];
    let mut command = relay(&["--prefix", "<"], &variables);
    command.stdin(Stdio::piped());
    let (mut running, mut stdout) = Running::start(command);
    let mut stdin = running.0.stdin.take().expect("piped");
    std::io::Write::write_all(&mut stdin, b"\"one\"\n\"two\"\n\"three\"").expect("it reads");
    drop(stdin);
    // The relay prints each item as well as passing it on; both are lines.
    let mut lines: Vec<String> = (0..6).map(|_| line(&mut stdout)).collect();
    lines.sort();
    assert_eq!(lines, ["\"<one\"", "\"<three\"", "\"<two\"", "<one", "<three", "<two"]);
    running.signal("-TERM");
    let (code, stderr) = running.end();
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}
