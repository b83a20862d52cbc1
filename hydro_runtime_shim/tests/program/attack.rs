//! A listener under attack: strangers come by the thousand and speak nonsense, half of the truth, or very slowly. The link that was there goes on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{ChildStdin, Stdio};
use std::time::Duration;

use hydro_runtime_shim::contract::{Codec, Hello, fingerprint, preamble};

use super::{Running, line, relay};

const STRANGERS: usize = 10_000;
/// Strangers at once: within what a process may hold open, and of each kind less than a listener hears at once.
const BATCH: usize = 100;
/// What 10,000 strangers may cost in memory, at the worst moment.
const LIMIT_KIB: u64 = 4 << 10;

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..=self.below(most)).map(|_| self.next() as u8).collect()
    }
}

/// The most memory that the process held so far.
fn peak_kib(program: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.0.id())).expect("it runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux tells");
    peak.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

/// What a sender of the right kind says first.
fn hello() -> Vec<u8> {
    let type_name = std::any::type_name::<String>().to_owned();
    let hello = Hello {
        deployment: "local".to_owned(),
        service: "stranger".to_owned(),
        member: 0,
        address: None,
        epoch: 7,
        port: "outbound".to_owned(),
        peer_port: Some("inbound".to_owned()),
        sends: true,
        fingerprint: fingerprint(&type_name),
        type_name,
        codec: Codec::Binary,
        named: false,
        offers: None,
        grants: None,
    };
    let text = serde_json::to_vec(&hello).expect("a hello");
    [preamble(text.len()).as_slice(), &text].concat()
}

/// A hello of which a few bytes are others, or missing, or doubled.
fn mutated(random: &mut Random) -> Vec<u8> {
    let mut bytes = hello();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        match random.below(4) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes.truncate(at + 1),
            _ => bytes.extend_from_within(at..),
        }
    }
    bytes
}

/// Strangers who come at once: those who say something random, those who say almost a hello, those who stop in the middle, those who say a byte at a
/// time. Whoever is cut off while it speaks does not mind.
fn attack(there: SocketAddr, random: &mut Random) {
    let call = || TcpStream::connect(there).expect("the listener is there");
    let mut silent = Vec::new();
    let mut slow: Vec<(TcpStream, Vec<u8>)> = Vec::new();
    for number in 0..BATCH {
        let mut socket = call();
        match number % 4 {
            0 => drop(socket.write_all(&random.bytes(4096))),
            1 => drop(socket.write_all(&mutated(random))),
            2 => {
                let bytes = hello();
                let _ = socket.write_all(&bytes[..random.below(bytes.len())]);
                silent.push(socket);
            }
            _ => slow.push((socket, mutated(random))),
        }
    }
    for at in 0..32 {
        for (socket, bytes) in &mut slow {
            let _ = bytes.get(at).map(|byte| socket.write_all(&[*byte]));
        }
    }
    for socket in silent {
        let _ = socket.shutdown(Shutdown::Write);
    }
}

fn send(stdin: &mut ChildStdin, item: usize) {
    writeln!(stdin, "\"{item}\"").and_then(|()| stdin.flush()).expect("it reads");
}

#[test]
fn ten_thousand_strangers_disturb_neither_the_link_nor_the_memory() {
    let there = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let place = format!("tcp://{there}");
    let mut receiver = relay(&[], &[("HYDRO_INPUT_INBOUND", &place), ("HYDRO_OUTPUT_OUTBOUND", "null")]);
    receiver.stderr(Stdio::null());
    let (mut receiver, mut out) = Running::start(receiver);
    let variables = [("HYDRO_INPUT_INBOUND", "stdio:json"), ("HYDRO_OUTPUT_OUTBOUND", place.as_str())];
    let mut sender = relay(&[], &variables);
    sender.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut sender = Running(sender.spawn().expect("the example is built"));
    let mut stdin = sender.0.stdin.take().expect("piped");
    send(&mut stdin, 0);
    assert_eq!(line(&mut out), "0");
    let before = peak_kib(&receiver);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for batch in 1..=STRANGERS / BATCH {
        attack(there, &mut random);
        send(&mut stdin, batch);
        assert_eq!(line(&mut out), batch.to_string());
    }
    let grown = peak_kib(&receiver) - before;
    assert!(grown < LIMIT_KIB, "{grown} KiB");
    // Whoever speaks properly is still welcome.
    let mut friend = TcpStream::connect(there).expect("the listener is there");
    friend.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
    friend.write_all(&hello()).expect("it reads");
    let mut answer = [0; 64];
    let count = friend.read(&mut answer).expect("an answer");
    assert!(answer[..count].starts_with(b"HYDR"));
    assert_eq!(receiver.0.try_wait().expect("our child"), None);
}
