//! Who is refused, and what malformed bytes get.

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Process, input, link_of, local, output, raw_hello, read_answer, soon};
use crate::contract::Addressing::Plain;
use crate::contract::{Answer, Codec, FrameHeader, FrameKind, Hello, RejectCode, preamble};

const ANY: &str = "tcp://127.0.0.1:0";

async fn receiver() -> (Process, impl futures::Stream<Item = String> + Unpin) {
    let ports = vec![input::<String>("first", Plain), input::<String>("second", Plain), output::<u64>("out", Plain)];
    let variables = [("HYDRO_INPUT_FIRST", ANY), ("HYDRO_INPUT_SECOND", "null"), ("HYDRO_OUTPUT_OUT", "listen:null")];
    let mut process = Process::new("receiver", ports, &variables);
    let inbound = process.bindings().input_plain::<String>("first");
    process.start().await;
    (process, inbound)
}

/// Says the hello to a fresh receiver and returns the refusal.
async fn refusal(hello: &Hello) -> (RejectCode, String) {
    let (process, _inbound) = receiver().await;
    let mut socket = TcpStream::connect(process.address()).await.expect("it listens");
    match soon(read_answer(&mut socket, hello)).await.expect("an answer") {
        Answer::Reject(reject) => (reject.code, reject.reason),
        Answer::Welcome(_) => panic!("welcomed"),
    }
}

#[test]
fn what_does_not_fit_is_refused_with_a_reason() {
    local(async {
        let hello = raw_hello::<String>(true, Codec::Binary);
        let (code, reason) = refusal(&Hello { deployment: "other".to_owned(), ..hello.clone() }).await;
        assert_eq!((code, reason.as_str()), (RejectCode::Deployment, "this is deployment `local`, not `other`"));
        let (code, reason) = refusal(&Hello { peer_port: Some("frist".to_owned()), ..hello.clone() }).await;
        assert_eq!((code, reason.as_str()), (RejectCode::Port, "there is no port `frist`; the inputs here are: first"));
        let (code, reason) = refusal(&Hello { sends: false, ..hello.clone() }).await;
        assert_eq!((code, reason.as_str()), (RejectCode::Port, "name one of the outputs here: none"));
        let (code, reason) =
            refusal(&Hello { sends: false, peer_port: Some("first".to_owned()), ..hello.clone() }).await;
        assert_eq!((code, reason.as_str()), (RejectCode::Port, "`first` is no output"));
        let (code, reason) = refusal(&raw_hello::<u64>(true, Codec::Binary)).await;
        assert_eq!(code, RejectCode::Type);
        assert_eq!(reason, "input `first` has items of type `alloc::string::String`, its peer `raw.raw` has `u64`");
    });
}

#[test]
fn bytes_of_another_protocol_or_version_are_refused() {
    local(async {
        let (process, _inbound) = receiver().await;
        for (bytes, code) in [
            (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], "\"malformed\""),
            (&b"HYDR\x09\x00\x02\x00\x00\x00{}"[..], "\"version\""),
            (&b"HYDR\x02\x00\x02\x00\x00\x00{}"[..], "\"malformed\""),
        ] {
            let mut socket = TcpStream::connect(process.address()).await.expect("it listens");
            socket.write_all(bytes).await.expect("open");
            let mut answer = Vec::new();
            // The connection is closed after the answer; bytes we did not read may turn that into a reset.
            let _ = soon(socket.read_to_end(&mut answer)).await;
            assert!(String::from_utf8_lossy(&answer).contains(code), "{answer:?}");
        }
    });
}

#[test]
fn malformed_frames_cut_their_connection_off_and_no_other() {
    local(async {
        let (process, mut inbound) = receiver().await;
        let mut good =
            Process::new("good", vec![output::<String>("o", Plain)], &[("HYDRO_OUTPUT_O", &link_of(&process))]);
        let mut outbound = good.bindings().output_plain::<String>("o");
        good.start().await;
        let mut claims_much = FrameHeader { amount: 1, ..FrameHeader::new(FrameKind::Data, 9) }.bytes().to_vec();
        claims_much.extend_from_slice(&u64::MAX.to_le_bytes());
        claims_much.push(0);
        let mut unchecked =
            FrameHeader { amount: 1, checksum: Some(1), ..FrameHeader::new(FrameKind::Data, 5) }.bytes().to_vec();
        unchecked.extend_from_slice(b"abcde");
        for bytes in [vec![0xff; 64], claims_much, unchecked] {
            let mut bad = TcpStream::connect(process.address()).await.expect("it listens");
            let answer = read_answer(&mut bad, &raw_hello::<String>(true, Codec::Binary)).await.expect("an answer");
            assert!(matches!(answer, Answer::Welcome(_)));
            bad.write_all(&bytes).await.expect("open");
            let mut rest = Vec::new();
            let closed = async { drop(bad.read_to_end(&mut rest).await) };
            // The stream reads only while somebody asks it for items.
            tokio::select! {
                () = soon(closed) => {}
                item = inbound.next() => panic!("an item of malformed bytes: {item:?}"),
            }
        }
        outbound.send("still here".to_owned()).await.expect("never fails");
        assert_eq!(soon(inbound.next()).await.as_deref(), Some("still here"));
    });
}

#[test]
fn a_caller_who_says_nothing_keeps_nobody_out() {
    local(async {
        let (process, mut inbound) = receiver().await;
        let mut silent = Vec::new();
        for _ in 0..20 {
            let mut socket = TcpStream::connect(process.address()).await.expect("it listens");
            socket.write_all(&preamble(100)).await.expect("open");
            silent.push(socket);
        }
        let mut good =
            Process::new("good", vec![output::<String>("o", Plain)], &[("HYDRO_OUTPUT_O", &link_of(&process))]);
        let mut outbound = good.bindings().output_plain::<String>("o");
        good.start().await;
        outbound.send("hello".to_owned()).await.expect("never fails");
        assert_eq!(soon(inbound.next()).await.as_deref(), Some("hello"));
    });
}
