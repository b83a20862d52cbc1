//! A sender and a receiver over a connection that breaks where the test says.

use std::convert::Infallible;
use std::io::IoSlice;

use super::{CHUNK_BYTES, Receiver, SLICES, Sender, Verdict};
use crate::contract::{FRAME_HEADER_BYTES, FrameHeader, FrameKind};

const WINDOW: u32 = 1 << 20;

/// Appends a record of these bytes and, with `close`, ends the tick.
pub(super) fn push(sender: &mut Sender, record: &[u8], close: bool) {
    let write = |out: &mut Vec<u8>| {
        out.extend_from_slice(record);
        Ok::<(), Infallible>(())
    };
    match sender.push(write, |_| unreachable!("small")) {
        Ok(()) if close => sender.close_frame(),
        Ok(()) => {}
    }
}

/// Takes what may be written now off the sender.
pub(super) fn take(sender: &mut Sender, limit: usize) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let count = sender.slices(true, &mut slices);
    let mut bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
    bytes.truncate(limit);
    sender.written(bytes.len());
    bytes
}

/// Cuts whole frames off the front.
pub(super) fn frames(bytes: &mut Vec<u8>) -> Vec<(FrameHeader, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some(head) = bytes.first_chunk::<FRAME_HEADER_BYTES>() {
        let header = FrameHeader::parse(*head).expect("a header of ours");
        let end = FRAME_HEADER_BYTES + header.length as usize;
        if bytes.len() < end {
            break;
        }
        let frame: Vec<u8> = bytes.drain(..end).collect();
        found.push((header, frame[FRAME_HEADER_BYTES..].to_vec()));
    }
    found
}

fn connect(sender: &mut Sender, receiver: &mut Receiver) -> u64 {
    let expects = receiver.expectation();
    let connection = receiver.connect(sender.offer()).expect("they know each other");
    sender.connect(expects, Some(WINDOW), false).expect("they know each other");
    connection
}

#[test]
fn every_record_arrives_once_whatever_byte_the_connection_breaks_at() {
    let records: Vec<Vec<u8>> = (0..40_u8).map(|byte| vec![byte; 1 + usize::from(byte) * 97]).collect();
    let whole: usize = records.iter().map(|record| record.len() + FRAME_HEADER_BYTES).sum();
    for break_at in (0..whole).step_by(131) {
        let (mut sender, mut receiver) = (Sender::new(5, false), Receiver::new());
        let mut received = Vec::new();
        for record in &records {
            push(&mut sender, record, true);
        }
        let mut on_the_way = break_at;
        for _ in 0..2 {
            let connection = connect(&mut sender, &mut receiver);
            let mut wire = Vec::new();
            loop {
                let bytes = take(&mut sender, on_the_way);
                if bytes.is_empty() {
                    break;
                }
                on_the_way -= bytes.len();
                wire.extend_from_slice(&bytes);
                for (header, payload) in frames(&mut wire) {
                    assert_eq!(receiver.accept(connection, header.number, header.amount), Verdict::Take);
                    received.push(payload);
                }
                // Every other break happens before anything was acknowledged.
                if break_at % 2 == 0 {
                    receiver.finish();
                    sender.acknowledge(receiver.ack(), WINDOW).expect("it was sent");
                }
            }
            on_the_way = usize::MAX;
        }
        assert_eq!(received, records, "{break_at}");
        receiver.finish();
        sender.acknowledge(receiver.ack(), WINDOW).expect("it was sent");
        assert_eq!((sender.pending_records(), sender.held()), (0, 0));
    }
}

#[test]
fn a_restarted_receiver_gets_what_was_not_acknowledged() {
    let (mut sender, mut receiver) = (Sender::new(5, false), Receiver::new());
    for record in 0..10_u8 {
        push(&mut sender, &[record], true);
    }
    let connection = connect(&mut sender, &mut receiver);
    let mut wire = take(&mut sender, usize::MAX);
    for (header, _) in frames(&mut wire).into_iter().take(4) {
        receiver.accept(connection, header.number, header.amount);
    }
    receiver.finish();
    sender.acknowledge(receiver.ack(), WINDOW).expect("it was sent");
    let mut restarted = Receiver::new();
    assert_eq!(restarted.expectation(), None);
    let connection = restarted.connect(sender.offer()).expect("it is new");
    assert_eq!(sender.connect(None, Some(WINDOW), false), Ok(6));
    let mut wire = take(&mut sender, usize::MAX);
    for (expected, (header, payload)) in (4..10_u8).zip(frames(&mut wire)) {
        assert_eq!(restarted.accept(connection, header.number, header.amount), Verdict::Take);
        assert_eq!(payload, [expected]);
    }
}

#[test]
fn nothing_is_written_beyond_the_window() {
    let mut sender = Sender::new(5, false);
    for _ in 0..100 {
        push(&mut sender, &[7; 10_000], true);
    }
    sender.connect(None, Some(200_000), false).expect("it is new");
    let mut written = 0;
    loop {
        let bytes = take(&mut sender, usize::MAX).len();
        written += bytes;
        if bytes == 0 {
            break;
        }
    }
    assert!((200_000..200_000 + CHUNK_BYTES).contains(&written), "{written}");
    sender.acknowledge(10, 200_000).expect("it was sent");
    assert!(!take(&mut sender, usize::MAX).is_empty());
}

#[test]
fn the_peer_of_an_item_a_little_too_large_for_one_write_begins_early() {
    let mut sender = Sender::new(5, false);
    push(&mut sender, &[7; 64 << 10], true);
    sender.connect(None, Some(WINDOW), false).expect("it is new");
    let first = take(&mut sender, usize::MAX).len();
    assert!(first < CHUNK_BYTES / 2, "{first}");
    assert!(take(&mut sender, usize::MAX).len() > first);
    assert!(take(&mut sender, usize::MAX).is_empty());
}

#[test]
fn a_large_record_goes_in_pieces_and_is_resumed_from_its_first() {
    let record: Vec<u8> = (0..3 << 20).map(|place: u32| (place >> 3) as u8).collect();
    let mut sender = Sender::new(5, false);
    push(&mut sender, &[1], false);
    push(&mut sender, &record, false);
    push(&mut sender, &[2], true);
    let mut receiver = Receiver::new();
    for limit in [2 << 20, usize::MAX] {
        let connection = connect(&mut sender, &mut receiver);
        sender.acknowledge(0, u32::MAX).expect("nothing");
        let (mut wire, mut left) = (Vec::new(), limit);
        loop {
            let bytes = take(&mut sender, left);
            if bytes.is_empty() {
                break;
            }
            left -= bytes.len();
            wire.extend_from_slice(&bytes);
        }
        let mut pieces = Vec::new();
        let mut seen = Vec::new();
        for (header, payload) in frames(&mut wire) {
            assert_eq!(receiver.accept(connection, header.number, header.amount), Verdict::Take);
            seen.push((header.kind, header.amount));
            if header.kind == FrameKind::Piece {
                pieces.extend_from_slice(&payload);
            }
        }
        if limit == usize::MAX {
            assert_eq!(pieces, record);
            let piece = |last| (FrameKind::Piece, last);
            assert_eq!(seen, [piece(0), piece(0), piece(1), (FrameKind::Data, 1)]);
        } else {
            assert_eq!(seen, [(FrameKind::Data, 1), (FrameKind::Piece, 0)]);
        }
    }
}

#[test]
fn a_lossy_link_keeps_the_newest_and_counts_the_rest() {
    let mut sender = Sender::new(5, true);
    sender.connect(None, Some(WINDOW), false).expect("it is new");
    let mut receiver = Receiver::new();
    let connection = receiver.connect(sender.offer()).expect("it is new");
    for record in 0..10_u8 {
        push(&mut sender, &[record; 100], true);
    }
    let mut wire = take(&mut sender, 50);
    sender.shed(2000);
    assert_eq!(sender.dropped(), 0);
    sender.shed(1000);
    assert_eq!(sender.dropped(), 9);
    push(&mut sender, &[10; 100], true);
    wire.extend(take(&mut sender, usize::MAX));
    let seen: Vec<u8> = frames(&mut wire)
        .into_iter()
        .filter(|(header, _)| receiver.accept(connection, header.number, header.amount) == Verdict::Take)
        .map(|(_, payload)| payload[0])
        .collect();
    assert_eq!((seen, receiver.missed(), sender.pending_records()), (vec![0, 10], 9, 0));
}

#[test]
fn a_lossy_link_goes_on_after_a_break_with_what_it_has() {
    let mut sender = Sender::new(5, true);
    sender.connect(None, Some(WINDOW), false).expect("it is new");
    let mut receiver = Receiver::new();
    receiver.connect(sender.offer()).expect("it is new");
    // One is written and never arrives, others are left out while nobody is connected.
    push(&mut sender, &[0; 100], true);
    take(&mut sender, usize::MAX);
    for record in 1..4_u8 {
        push(&mut sender, &[record; 100], true);
    }
    sender.shed(150);
    push(&mut sender, &[4; 100], true);
    let expects = receiver.expectation();
    let connection = receiver.connect(sender.offer()).expect("losing is allowed");
    sender.connect(expects, Some(WINDOW), false).expect("what the receiver misses is left out");
    let mut wire = take(&mut sender, usize::MAX);
    let taken = frames(&mut wire)
        .into_iter()
        .filter(|(header, _)| receiver.accept(connection, header.number, header.amount) == Verdict::Take)
        .map(|(_, payload)| payload[0]);
    assert_eq!(taken.collect::<Vec<u8>>(), [4]);
    assert_eq!(receiver.missed(), 4);
}

#[test]
fn peers_that_lie_are_told_so() {
    let mut sender = Sender::new(5, false);
    push(&mut sender, &[1], true);
    push(&mut sender, &[2], true);
    sender.connect(None, Some(WINDOW), false).expect("it is new");
    let text = |result: Result<(), super::Violation>| result.expect_err("a lie").to_string();
    assert_eq!(text(sender.acknowledge(1, WINDOW)), "the receiver acknowledges item number 0, which was not sent");
    take(&mut sender, usize::MAX);
    assert_eq!(text(sender.acknowledge(3, WINDOW)), "the receiver acknowledges item number 2, which was not sent");
    let beyond = Some(crate::contract::Expectation { stream: 5, next: 9 });
    assert!(sender.connect(beyond, Some(WINDOW), false).is_err());
    let mut receiver = Receiver::new();
    let offer = |first| crate::contract::Offer { stream: 5, first, lossy: false };
    receiver.connect(offer(0)).expect("it is new");
    assert!(receiver.connect(offer(3)).is_err());
    assert_eq!(receiver.accept(receiver.connection(), 4, 1), Verdict::Gap);
    assert_eq!(receiver.accept(receiver.connection(), u64::MAX, u32::MAX), Verdict::Gap);
}

#[test]
fn checksums_are_those_of_zlib() {
    let mut sender = Sender::new(5, false);
    sender.connect(None, Some(WINDOW), true).expect("it is new");
    push(&mut sender, b"123456789", true);
    let mut wire = take(&mut sender, usize::MAX);
    assert_eq!(frames(&mut wire)[0].0.checksum, Some(0xcbf4_3926));
}

#[test]
fn a_peer_that_reads_lines_gets_the_records_alone() {
    let mut sender = Sender::bare(5, false);
    push(&mut sender, b"1\n", false);
    push(&mut sender, b"2\n", true);
    sender.push_frame(b"3\n", 1);
    sender.push_goodbye("stopping");
    sender.connect(None, None, true).expect("it is new");
    sender.show_life();
    assert_eq!(take(&mut sender, usize::MAX), b"1\n2\n3\n");
    assert_eq!((sender.pending_records(), sender.backlog()), (0, 0));
}

#[test]
fn whole_buffers_are_frames_like_any_other() {
    let (mut sender, mut receiver) = (Sender::new(5, false), Receiver::new());
    let connection = connect(&mut sender, &mut receiver);
    let mut expected = Vec::new();
    let mut wire = Vec::new();
    for (number, size) in [10, 20_000, 3, 70_000, 8_200, 1].into_iter().enumerate() {
        let mut buffer = vec![0; FRAME_HEADER_BYTES];
        buffer.extend(vec![number as u8; size]);
        sender.push_buffer(&mut buffer, 1);
        assert!(buffer.is_empty());
        push(&mut sender, &[9], true);
        expected.extend([vec![number as u8; size], vec![9]]);
        wire.extend(take(&mut sender, 5_000));
    }
    loop {
        let bytes = take(&mut sender, usize::MAX);
        if bytes.is_empty() {
            break;
        }
        wire.extend(bytes);
    }
    let seen: Vec<Vec<u8>> = frames(&mut wire)
        .into_iter()
        .map(|(header, payload)| {
            assert_eq!(receiver.accept(connection, header.number, header.amount), Verdict::Take);
            payload
        })
        .collect();
    assert_eq!(seen, expected);
    receiver.finish();
    sender.acknowledge(receiver.ack(), WINDOW).expect("it was sent");
    assert_eq!((sender.pending_records(), sender.held()), (0, 0));
}
