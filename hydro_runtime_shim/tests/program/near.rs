//! Programs on one machine: shared memory between them, and links that are looked at instead of slept on.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use super::{Running, finish, line, relay};

/// A place for a socket that is this test's alone.
fn place(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("hydro-near-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// Starts a program that prints what it gets and passes nothing on.
fn receiver(inbound: &str, poll: &str) -> (Running, std::io::BufReader<std::process::ChildStdout>) {
    let variables = [("HYDRO_INPUT_INBOUND", inbound), ("HYDRO_OUTPUT_OUTBOUND", "null"), ("HYDRO_POLL", poll)];
    Running::start(relay(&[], &variables))
}

/// Starts a program that sends the numbers from 0 on.
fn sender(outbound: &str, count: &str, poll: &str) -> Running {
    let variables = [
        ("HYDRO_INPUT_INBOUND", "null"),
        ("HYDRO_OUTPUT_OUTBOUND", outbound),
        ("HYDRO_SERVICE", "sender"),
        ("HYDRO_POLL", poll),
    ];
    let mut command = relay(&["--start-with", count], &variables);
    command.stdout(std::process::Stdio::null());
    let child = command.spawn().expect("the example is built");
    Running(child)
}

fn stop(mut program: Running) -> String {
    program.signal("-TERM");
    let (code, stderr) = program.end();
    assert_eq!(code, Some(0), "{stderr}");
    stderr
}

#[test]
fn items_go_through_shared_memory_however_the_programs_wait() {
    for (name, poll) in [("park", "park"), ("spin", "spin")] {
        let place = format!("shm:{}", place(name).display());
        let sender = sender(&place, "30000", poll);
        let (receiver, mut out) = receiver(&place, poll);
        for number in 0..30_000 {
            assert_eq!(line(&mut out), number.to_string());
        }
        assert_eq!(stop(sender), "");
        assert_eq!(stop(receiver), "");
    }
}

#[test]
fn spinning_programs_pass_items_on_through_tcp() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = format!("tcp://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let (receiver, mut out) = receiver(&place, "spin");
    let sender = sender(&place, "3", "spin");
    assert_eq!([line(&mut out), line(&mut out), line(&mut out)], ["0", "1", "2"]);
    assert_eq!(stop(sender), "");
    assert_eq!(stop(receiver), "");
}

#[test]
fn one_socket_serves_callers_with_and_without_shared_memory() {
    for scheme in ["unix", "shm"] {
        let path = place(scheme);
        let (receiver, mut out) = receiver(&format!("{scheme}:{}", path.display()), "park");
        for caller in ["shm", "unix"] {
            let sender = sender(&format!("{caller}:{}", path.display()), "1", "park");
            assert_eq!(line(&mut out), "0");
            assert_eq!(stop(sender), "");
        }
        assert_eq!(stop(receiver), "");
    }
}

#[test]
fn a_peer_that_is_killed_is_missed_aloud_and_its_last_items_are_not_lost() {
    let place = format!("shm:{}", place("killed").display());
    let (receiver, mut out) = receiver(&place, "park");
    let mut sender = sender(&place, "3", "park");
    assert_eq!([line(&mut out), line(&mut out), line(&mut out)], ["0", "1", "2"]);
    sender.signal("-KILL");
    assert_eq!(sender.end().0, None);
    let stderr = stop(receiver);
    assert!(stderr.starts_with("hydro: inbound: sender.0 ("), "{stderr}");
    assert!(stderr.contains(" is gone: "), "{stderr}");
}

#[test]
fn a_peer_that_takes_no_shared_memory_gets_a_unix_socket_and_the_user_a_line() {
    let path = place("refused");
    let listener = UnixListener::bind(&path).expect("a free path");
    let place = format!("shm:{}", path.display());
    let sender = sender(&place, "1", "park");
    let (mut offered, _) = listener.accept().expect("a call");
    let mut offer = [0; 8];
    offered.read_exact(&mut offer).expect("an offer");
    assert_eq!(&offer[..4], b"\0SHM");
    offered.write_all(b"N").expect("it waits for that");
    let (mut plain, _) = listener.accept().expect("another call");
    let mut magic = [0; 4];
    plain.read_exact(&mut magic).expect("a hello");
    assert_eq!(&magic, b"HYDR");
    let stderr = stop(sender);
    let line = format!("hydro: outbound: dial:{place}: no shared memory, a Unix socket instead: ");
    assert!(stderr.starts_with(&line), "{stderr}");
    assert_eq!(stderr.matches("no shared memory").count(), 1);
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_way_of_waiting_that_is_none_is_a_mistake() {
    let variables = [("HYDRO_INPUT_INBOUND", "null"), ("HYDRO_OUTPUT_OUTBOUND", "null"), ("HYDRO_POLL", "fast")];
    let (code, _, stderr) = finish(relay(&[], &variables));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("HYDRO_POLL: cannot read `fast`: is neither `park` nor `spin`"), "{stderr}");
    assert!(stderr.contains("example: HYDRO_POLL=spin"), "{stderr}");
}
