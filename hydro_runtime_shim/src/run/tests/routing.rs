//! Which peer gets which item.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use futures::{SinkExt, Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Process, input, link_of, local, output, raw_hello, read_answer, soon};
use crate::MemberId;
use crate::contract::Addressing::{Member, Plain, Socket};
use crate::contract::{Answer, Codec, FRAME_HEADER_BYTES, FrameHeader, FrameKind};

const ANY: &str = "tcp://127.0.0.1:0";

async fn receiver(member: &str) -> (Process, impl Stream<Item = u64> + Unpin) {
    let variables = [("HYDRO_INPUT_INBOUND", ANY), ("HYDRO_MEMBER", member)];
    let mut process = Process::new("receiver", vec![input::<u64>("inbound", Plain)], &variables);
    let inbound = process.bindings().input_plain::<u64>("inbound");
    process.start().await;
    (process, inbound)
}

fn places(receivers: &[&Process]) -> String {
    receivers.iter().map(|process| link_of(process)).collect::<Vec<_>>().join(",")
}

#[test]
fn answers_go_to_the_address_that_requests_came_from() {
    local(async {
        let mut clients = Vec::new();
        for _ in 0..3 {
            // A client is bound to one address: its input listens there, its output is told the server's below.
            let reserved =
                std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address");
            clients.push(reserved);
        }
        let replies = clients.iter().map(|address| format!("tcp://{address}")).collect::<Vec<_>>().join(",");
        let ports = vec![input::<u64>("requests", Socket), output::<u64>("replies", Socket)];
        let mut server =
            Process::new("server", ports, &[("HYDRO_INPUT_REQUESTS", ANY), ("HYDRO_OUTPUT_REPLIES", &replies)]);
        let mut requests = server.bindings().input_socket::<u64>("requests");
        let mut answers = server.bindings().output_socket::<u64>("replies");
        server.start().await;
        tokio::task::spawn_local(async move {
            while let Some((number, from)) = requests.next().await {
                answers.send((number * 10, from)).await.expect("never fails");
            }
        });
        let mut waiting = Vec::new();
        for (index, address) in clients.iter().enumerate() {
            let ports = vec![input::<u64>("answers", Plain), output::<u64>("questions", Plain)];
            let (own, servers) = (format!("tcp://{address}"), link_of(&server));
            let mut client =
                Process::new("client", ports, &[("HYDRO_INPUT_ANSWERS", &own), ("HYDRO_OUTPUT_QUESTIONS", &servers)]);
            let answers = client.bindings().input_plain::<u64>("answers");
            let mut questions = client.bindings().output_plain::<u64>("questions");
            client.start().await;
            // The server may hear the question before it has called the client back: the answer waits for that.
            questions.send(index as u64 + 1).await.expect("never fails");
            waiting.push((client, answers, questions));
        }
        for (index, (_, answers, _)) in waiting.iter_mut().enumerate() {
            assert_eq!(soon(answers.next()).await, Some((index as u64 + 1) * 10));
        }
    });
}

#[test]
fn items_reach_the_member_they_name_and_show_the_member_they_come_from() {
    local(async {
        let mut receivers = Vec::new();
        for member in ["0", "1", "2"] {
            let variables = [("HYDRO_INPUT_I", ANY), ("HYDRO_MEMBER", member)];
            let mut process = Process::new("replica", vec![input::<String>("i", Member)], &variables);
            let inbound = process.bindings().input_member::<String>("i");
            process.start().await;
            receivers.push((process, inbound));
        }
        let places = places(&receivers.iter().map(|(process, _)| process).collect::<Vec<_>>());
        let variables = [("HYDRO_OUTPUT_O", places.as_str()), ("HYDRO_MEMBER", "7")];
        let mut sender = Process::new("sender", vec![output::<String>("o", Member)], &variables);
        let mut outbound = sender.bindings().output_member::<String>("o");
        sender.start().await;
        for member in [2, 0, 1] {
            // Sent before anybody is connected: held until it is known who is who.
            outbound.send((format!("for {member}"), MemberId(member))).await.expect("never fails");
        }
        for (member, (_, inbound)) in receivers.iter_mut().enumerate() {
            assert_eq!(soon(inbound.next()).await, Some((format!("for {member}"), MemberId(7))));
        }
    });
}

#[test]
fn a_plain_output_sends_each_item_to_every_peer() {
    local(async {
        let (first, first_items) = receiver("0").await;
        let (second, second_items) = receiver("1").await;
        let place = places(&[&first, &second]);
        let mut sender = Process::new("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &place)]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        for number in 0..50_000 {
            outbound.feed(number).await.expect("never fails");
        }
        outbound.flush().await.expect("never fails");
        for items in [first_items.left_stream(), second_items.right_stream()] {
            let received: Vec<u64> = soon(items.take(50_000).collect()).await;
            assert!(received.into_iter().eq(0..50_000));
        }
    });
}

#[test]
fn round_robin_deals_items_out_in_turn() {
    local(async {
        let (first, first_items) = receiver("0").await;
        let (second, second_items) = receiver("1").await;
        let place = places(&[&first, &second]);
        let variables = [("HYDRO_OUTPUT_O", place.as_str()), ("HYDRO_POLICY_O", "round_robin")];
        let mut sender = Process::new("sender", vec![output::<u64>("o", Plain)], &variables);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        for number in 0..100 {
            outbound.send(number).await.expect("never fails");
        }
        let first: Vec<u64> = soon(first_items.take(50).collect()).await;
        let second: Vec<u64> = soon(second_items.take(50).collect()).await;
        assert!(first.into_iter().eq((0..100).step_by(2)));
        assert!(second.into_iter().eq((1..100).step_by(2)));
    });
}

#[test]
fn a_listening_output_serves_those_who_come_later_and_drops_what_was_before() {
    local(async {
        let mut sender =
            Process::new("sender", vec![output::<u64>("o", Plain)], &[("HYDRO_OUTPUT_O", &format!("listen:{ANY}"))]);
        let mut outbound = sender.bindings().output_plain::<u64>("o");
        sender.start().await;
        outbound.send(1).await.expect("never fails");
        let place = format!("dial:{}/o", link_of(&sender));
        let mut late = Process::new("late", vec![input::<u64>("i", Plain)], &[("HYDRO_INPUT_I", &place)]);
        let mut inbound = late.bindings().input_plain::<u64>("i");
        late.start().await;
        let numbers = async {
            for number in 2.. {
                outbound.send(number).await.expect("never fails");
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        let first = tokio::select! {
            first = soon(inbound.next()) => first.expect("never ends"),
            () = numbers => 0,
        };
        assert!(first >= 2);
    });
}

#[test]
fn a_script_reads_and_writes_ports_in_json() {
    local(async {
        let ports = vec![input::<(u64, String)>("i", Socket), output::<(u64, String)>("o", Socket)];
        let listen = format!("listen:{ANY}");
        let mut echo = Process::new("echo", ports, &[("HYDRO_INPUT_I", ANY), ("HYDRO_OUTPUT_O", &listen)]);
        let mut inbound = echo.bindings().input_socket::<(u64, String)>("i");
        let mut outbound = echo.bindings().output_socket::<(u64, String)>("o");
        echo.start().await;
        let mut reader = TcpStream::connect(echo.address()).await.expect("it listens");
        let answer = read_answer(&mut reader, &raw_hello::<()>(false, Codec::Json)).await.expect("an answer");
        assert!(matches!(answer, Answer::Welcome(hello) if hello.port == "o" && hello.codec == Codec::Json));
        let mut writer = TcpStream::connect(echo.address()).await.expect("it listens");
        let answer = read_answer(&mut writer, &raw_hello::<()>(true, Codec::Json)).await.expect("an answer");
        assert!(matches!(answer, Answer::Welcome(hello) if hello.port == "i"));
        let payload = b"[1,\"one\"]\n[2,\"two\"]";
        writer
            .write_all(&FrameHeader { amount: 2, ..FrameHeader::new(FrameKind::Data, payload.len()) }.bytes())
            .await
            .expect("open");
        writer.write_all(payload).await.expect("open");
        let mut peers = BTreeSet::<SocketAddr>::new();
        for _ in 0..2 {
            // Both connections are the same process's, so the answer finds its way by the address shown here.
            let (item, from) = soon(inbound.next()).await.expect("never ends");
            peers.insert(from);
            outbound.feed((item, from)).await.expect("never fails");
        }
        outbound.flush().await.expect("never fails");
        assert_eq!(peers.len(), 1);
        let mut header = [0; FRAME_HEADER_BYTES];
        soon(reader.read_exact(&mut header)).await.expect("a frame");
        let header = FrameHeader::parse(header).expect("a frame");
        let mut text = vec![0; header.length as usize];
        soon(reader.read_exact(&mut text)).await.expect("a frame");
        assert_eq!(String::from_utf8_lossy(&text), "[1,\"one\"]\n[2,\"two\"]\n");
    });
}

#[test]
fn items_for_nobody_are_dropped_when_nobody_is_expected() {
    local(async {
        let listen = format!("listen:{ANY}");
        let mut sender = Process::new("sender", vec![output::<u64>("o", Member)], &[("HYDRO_OUTPUT_O", &listen)]);
        let mut outbound = sender.bindings().output_member::<u64>("o");
        sender.start().await;
        for _ in 0..10 {
            outbound.send((1, MemberId(3))).await.expect("never fails");
        }
        let dropped: Vec<u64> = sender.outputs().iter().map(|hub| hub.dropped()).collect();
        assert_eq!(dropped, [10]);
    });
}
