//! Round trips, the same bytes as bincode 1, and hostile bytes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};

use super::{CodecError, append, take};
use crate::contract::Codec;

/// Counts what a thread holds at most, so that a test can say what a decoder may.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every request goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held =
            HELD.try_with(|held| held.replace(held.get().wrapping_add(layout.size())).wrapping_add(layout.size()));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.unwrap_or_default())));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| held.set(held.get().wrapping_sub(layout.size())));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A small generator: the same items in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn text(&mut self) -> String {
        (0..self.below(20)).filter_map(|_| char::from_u32(self.below(0x11_0000) as u32)).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    One(u16),
    Tuple(i8, String, char),
    Struct { left: Option<Box<Kind>>, right: Vec<Kind> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    flag: bool,
    small: (u8, i16, u32, i64),
    large: (u128, i128, f32),
    kind: Kind,
    map: BTreeMap<String, Vec<u64>>,
    bytes: Vec<u8>,
    marker: Marker,
    distance: Meters,
    maybe: Option<()>,
    array: [u32; 3],
}

fn kind(random: &mut Random, depth: u64) -> Kind {
    match random.below(if depth == 0 { 3 } else { 4 }) {
        0 => Kind::Unit,
        1 => Kind::One(random.next() as u16),
        2 => Kind::Tuple(random.next() as i8, random.text(), ['a', 'é', '€', '🦀'][random.below(4) as usize]),
        _ => Kind::Struct {
            left: (random.below(2) == 0).then(|| Box::new(kind(random, depth - 1))),
            right: (0..random.below(3)).map(|_| kind(random, depth - 1)).collect(),
        },
    }
}

fn record(random: &mut Random) -> Record {
    Record {
        flag: random.below(2) == 0,
        small: (random.next() as u8, random.next() as i16, random.next() as u32, random.next() as i64),
        large: (u128::from(random.next()) << 64, -i128::from(random.next()), random.below(1000) as f32),
        kind: kind(random, 4),
        map: (0..random.below(5))
            .map(|_| (random.text(), (0..random.below(9)).map(|_| random.next()).collect()))
            .collect(),
        bytes: (0..random.below(300)).map(|_| random.next() as u8).collect(),
        marker: Marker,
        distance: Meters(random.below(1 << 40) as f64 / 7.0),
        maybe: (random.below(2) == 0).then_some(()),
        array: [random.next() as u32, 0, u32::MAX],
    }
}

#[test]
fn records_come_back_in_order_and_have_the_bytes_of_bincode() {
    let mut random = Random(0x5eed);
    let records: Vec<Record> = (0..500).map(|_| record(&mut random)).collect();
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for record in &records {
        append(Codec::Binary, record, &mut bytes).expect("encodes");
        expected.extend(bincode::serialize(record).expect("encodes"));
    }
    assert_eq!(bytes, expected);
    let mut rest = bytes.as_slice();
    for record in &records {
        assert_eq!(take::<Record>(Codec::Binary, &mut rest).as_ref(), Ok(record));
    }
    assert!(rest.is_empty());
}

#[test]
fn json_records_are_lines() {
    let mut random = Random(7);
    let records: Vec<Kind> = (0..100).map(|_| kind(&mut random, 3)).collect();
    let mut bytes = Vec::new();
    for record in &records {
        append(Codec::Json, record, &mut bytes).expect("encodes");
    }
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 100);
    let mut rest = bytes.as_slice();
    for record in &records {
        assert_eq!(take::<Kind>(Codec::Json, &mut rest).as_ref(), Ok(record));
    }
    assert!(rest.is_empty());
    let error = take::<u64>(Codec::Json, &mut &b"\"a\"\n"[..]).expect_err("no number");
    assert!(error.to_string().contains("`\"a\"`: invalid type"), "{error}");
}

#[test]
fn records_without_content_take_a_byte_each() {
    let mut bytes = Vec::new();
    for _ in 0..3 {
        append(Codec::Binary, &Marker, &mut bytes).expect("encodes");
    }
    let mut rest = bytes.as_slice();
    let mut count = 0;
    while !rest.is_empty() {
        take::<Marker>(Codec::Binary, &mut rest).expect("decodes");
        count += 1;
    }
    assert_eq!(count, 3);
}

/// Decodes bytes as a frame full of records, and checks what that may cost.
fn decode_all<T: DeserializeOwned>(bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        if rest.is_empty() {
            return;
        }
        let before = HELD.get();
        PEAK.set(before);
        let claimed = rest.len();
        let result = take::<T>(Codec::Binary, &mut rest);
        let allocated = PEAK.get() - before;
        assert!(allocated <= 4 * claimed + 256, "{allocated} bytes for {claimed}");
        if result.is_err() {
            return;
        }
    }
}

#[test]
fn mutated_bytes_neither_panic_nor_allocate_what_they_claim() {
    let mut random = Random(0xbad);
    for round in 0..20_000 {
        let mut bytes = Vec::new();
        let plain: Vec<(u64, String)> = (0..random.below(20)).map(|_| (random.next(), random.text())).collect();
        append(Codec::Binary, &plain, &mut bytes).expect("encodes");
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = if round % 2 == 0 { 0xff } else { random.next() as u8 };
        }
        if random.below(3) == 0 {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
        }
        decode_all::<Vec<(u64, String)>>(&bytes);
        decode_all::<HashMap<u64, Vec<u8>>>(&bytes);
        decode_all::<Vec<u64>>(&bytes);
        // Not counted: a short record of this type is larger in memory than on the wire.
        let _ = take::<Record>(Codec::Binary, &mut bytes.as_slice());
    }
}

#[test]
fn hostile_lengths_and_nesting_are_refused() {
    let claim = u64::MAX.to_le_bytes();
    assert_eq!(take::<String>(Codec::Binary, &mut claim.as_slice()), Err(CodecError::Length(u64::MAX)));
    assert_eq!(take::<Vec<()>>(Codec::Binary, &mut claim.as_slice()), Err(CodecError::Length(u64::MAX)));
    assert_eq!(take::<Vec<u64>>(Codec::Binary, &mut claim.as_slice()), Err(CodecError::Length(u64::MAX)));

    #[derive(Debug, PartialEq, Deserialize)]
    struct Chain(Option<Box<Chain>>);
    let endless = vec![1; 1 << 20];
    assert_eq!(take::<Chain>(Codec::Binary, &mut endless.as_slice()), Err(CodecError::Depth));
}

#[test]
fn sequences_of_unknown_length_are_written() {
    struct Evens(u32);
    impl Serialize for Evens {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..self.0).filter(|number| number % 2 == 0))
        }
    }
    let mut bytes = Vec::new();
    append(Codec::Binary, &Evens(10), &mut bytes).expect("encodes");
    assert_eq!(take::<Vec<u32>>(Codec::Binary, &mut bytes.as_slice()), Ok(vec![0, 2, 4, 6, 8]));
}

#[test]
fn types_that_ask_the_data_for_its_shape_are_told_so() {
    let mut bytes = Vec::new();
    append(Codec::Binary, &serde_json::json!({"a": 1}), &mut bytes).expect("encodes");
    assert_eq!(take::<serde_json::Value>(Codec::Binary, &mut bytes.as_slice()), Err(CodecError::SelfDescribing));
}
