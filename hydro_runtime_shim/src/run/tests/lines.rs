//! Peers that know nothing of us: lines of JSON over a plain connection, as from `nc`.

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Process, input, link_of, local, output, soon};
use crate::contract::Addressing::Plain;

/// A program with one input and one output that listen at the same place.
async fn program() -> (Process, impl futures::Stream<Item = (u64, String)> + Unpin, impl futures::Sink<u64> + Unpin) {
    let ports = vec![input::<(u64, String)>("i", Plain), output::<u64>("o", Plain)];
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = format!("tcp://{}", reserved.local_addr().expect("an address"));
    drop(reserved);
    let listen = format!("listen:{place}");
    let mut process = Process::new("program", ports, &[("HYDRO_INPUT_I", &place), ("HYDRO_OUTPUT_O", &listen)]);
    let (inbound, outbound) =
        (process.bindings().input_plain::<(u64, String)>("i"), process.bindings().output_plain::<u64>("o"));
    process.start().await;
    (process, inbound, outbound)
}

#[test]
fn lines_are_items_of_the_only_input() {
    local(async {
        let (process, inbound, _outbound) = program().await;
        let mut peer = TcpStream::connect(process.address()).await.expect("it listens");
        // In pieces, with empty lines, and the last one without its end.
        for bytes in [&b"[1, \"a"[..], b"b\"]\n\n \r\n[2,\"c\"]\n[3,", b"\"d\"]"] {
            peer.write_all(bytes).await.expect("open");
            peer.flush().await.expect("open");
            tokio::task::yield_now().await;
        }
        peer.shutdown().await.expect("open");
        let items: Vec<_> = soon(inbound.take(3).collect()).await;
        assert_eq!(items, [(1, "ab".to_owned()), (2, "c".to_owned()), (3, "d".to_owned())]);
    });
}

#[test]
fn a_first_line_names_the_port_and_an_output_answers_in_lines() {
    local(async {
        let (process, _inbound, mut outbound) = program().await;
        let mut peer = TcpStream::connect(process.address()).await.expect("it listens");
        peer.write_all(b"@o\n").await.expect("open");
        // Whoever has nothing more to say still listens.
        peer.shutdown().await.expect("open");
        let hub = process.outputs().remove(0);
        while !hub.has_peer() {
            tokio::task::yield_now().await;
        }
        for number in 0..3 {
            assert!(outbound.send(number).await.is_ok());
        }
        let mut lines = BufReader::new(peer).lines();
        for number in 0..3 {
            assert_eq!(soon(lines.next_line()).await.expect("open"), Some(number.to_string()));
        }
        soon(process.leave()).await;
    });
}

#[test]
fn what_is_wrong_is_told_in_a_last_line() {
    local(async {
        for (said, told) in [
            (&b"@x\n"[..], "there is no port `x`; the inputs here are: i; begin with a line `@PORT`"),
            (b"[1]\n", "`[1]`: invalid length 1, expected a tuple of size 2 at line 1 column 3"),
        ] {
            let (process, mut inbound, _outbound) = program().await;
            let mut peer = TcpStream::connect(process.address()).await.expect("it listens");
            peer.write_all(said).await.expect("open");
            let mut answer = String::new();
            tokio::select! {
                read = soon(peer.read_to_string(&mut answer)) => drop(read.expect("UTF-8")),
                item = inbound.next() => panic!("an item of malformed bytes: {item:?}"),
            }
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("a line of JSON");
            assert_eq!(answer["error"], told);
        }
    });
}

#[test]
fn a_hundred_thousand_lines_pass() {
    local(async {
        let (process, inbound, _outbound) = program().await;
        let mut peer = TcpStream::connect(process.address()).await.expect("it listens");
        tokio::task::spawn_local(async move {
            let text: String =
                (0..100_000).map(|number| format!("[{number},\"{}\"]\n", "x".repeat(number % 50))).collect();
            peer.write_all(text.as_bytes()).await.expect("open");
        });
        let items: Vec<_> = soon(inbound.take(100_000).collect()).await;
        assert!(items.iter().enumerate().all(|(at, (number, text))| at as u64 == *number && text.len() == at % 50));
    });
}

#[test]
fn who_calls_may_ask_for_json_and_then_types_need_but_read_alike() {
    local(async {
        let ports = vec![input::<f64>("i", Plain), output::<u64>("o", Plain)];
        let any = [("HYDRO_INPUT_I", "tcp://127.0.0.1:0"), ("HYDRO_OUTPUT_O", "listen:tcp://127.0.0.1:0")];
        let mut callee = Process::new("callee", ports, &any);
        let (inbound, mut outbound) =
            (callee.bindings().input_plain::<f64>("i"), callee.bindings().output_plain::<u64>("o"));
        callee.start().await;
        let ports = vec![input::<i64>("i", Plain), output::<u64>("o", Plain)];
        let place = format!("json:{}", link_of(&callee));
        let (dials, called) = (format!("dial:{place}/o"), format!("{place}/i"));
        let mut caller = Process::new("caller", ports, &[("HYDRO_INPUT_I", &dials), ("HYDRO_OUTPUT_O", &called)]);
        let (answers, mut questions) =
            (caller.bindings().input_plain::<i64>("i"), caller.bindings().output_plain::<u64>("o"));
        caller.start().await;
        assert!(questions.send(7).await.is_ok());
        assert_eq!(soon(inbound.take(1).collect::<Vec<_>>()).await, [7.0]);
        let hub = callee.outputs().remove(0);
        while !hub.has_peer() {
            tokio::task::yield_now().await;
        }
        assert!(outbound.send(8).await.is_ok());
        assert_eq!(soon(answers.take(1).collect::<Vec<_>>()).await, [8]);
    });
}
