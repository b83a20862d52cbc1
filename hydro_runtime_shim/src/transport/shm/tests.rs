//! Rings and streams as both ends see them, also when the other end does what it must not.

use std::cell::Cell;
use std::fs::File;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::memory::{Half, Memory, Word, memfd, send_with};
use super::ring::{Consumer, Moved, Producer};
use super::{SetupError, ShmStream, accept, dial, is_offered, watch};

const CAPACITY: usize = 64 << 10;
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Maps the same pages twice, as two processes do.
fn shared() -> (Rc<Memory>, Rc<Memory>) {
    let (memory, descriptor) = Memory::create(CAPACITY).expect("memory");
    (Rc::new(memory), Rc::new(Memory::adopt(descriptor, CAPACITY).expect("the same memory")))
}

fn ring() -> (Producer, Consumer) {
    let (here, there) = shared();
    (Producer::new(here, Half::First), Consumer::new(there, Half::First))
}

fn write(producer: &Producer, bytes: &[u8]) -> io::Result<Moved> {
    producer.write(&[IoSlice::new(bytes)])
}

fn moved(bytes: usize) -> Moved {
    Moved { bytes, wake: false }
}

#[test]
fn bytes_go_round_the_end_of_the_ring() {
    let (producer, consumer) = ring();
    let mut buffer = vec![0; CAPACITY];
    // A size that divides no power of two: each turn begins elsewhere.
    for turn in 0..200_u8 {
        let bytes: Vec<u8> = (0..999).map(|at| (at as u8).wrapping_mul(31).wrapping_add(turn)).collect();
        assert_eq!(write(&producer, &bytes).expect("sound"), moved(999));
        assert_eq!(consumer.read(&mut buffer).expect("sound"), moved(999));
        assert_eq!(buffer[..999], bytes);
    }
}

#[test]
fn a_quiet_ring_gives_its_pages_back_and_keeps_what_is_unread() {
    use std::os::unix::fs::MetadataExt as _;

    let (memory, descriptor) = Memory::create(CAPACITY).expect("memory");
    let file = File::from(descriptor.try_clone().expect("another handle"));
    let pages = || file.metadata().expect("our own").blocks() * 512 / 4096;
    let there = Rc::new(Memory::adopt(descriptor, CAPACITY).expect("the same memory"));
    let (producer, consumer) = (Producer::new(Rc::new(memory), Half::First), Consumer::new(there, Half::First));
    let mut buffer = vec![0; CAPACITY];
    for _ in 0..3 {
        write(&producer, &[7; CAPACITY]).expect("sound");
        consumer.read(&mut buffer).expect("sound");
    }
    // Round the end of the ring, so that what is unread lies at both ends of it.
    write(&producer, &[7; CAPACITY - 5000]).expect("sound");
    consumer.read(&mut buffer).expect("sound");
    write(&producer, &[9; 10_000]).expect("sound");
    assert!(pages() >= 16, "{}", pages());
    // Much was written until now, and nothing until the next time.
    producer.give_back();
    assert!(pages() >= 16, "{}", pages());
    producer.give_back();
    assert!(pages() <= 7, "{}", pages());
    assert_eq!(consumer.read(&mut buffer).expect("sound").bytes, 10_000);
    assert_eq!(buffer[..10_000], [9; 10_000]);
    write(&producer, &[3; CAPACITY]).expect("sound");
    assert_eq!(consumer.read(&mut buffer).expect("sound").bytes, CAPACITY);
    assert_eq!(buffer, [3; CAPACITY]);
}

#[test]
fn a_full_ring_takes_nothing_and_an_empty_one_gives_nothing() {
    let (producer, consumer) = ring();
    let mut buffer = vec![0; 2 * CAPACITY];
    assert_eq!(consumer.read(&mut buffer).expect("sound"), moved(0));
    assert_eq!(write(&producer, &vec![7; CAPACITY + 1]).expect("sound"), moved(CAPACITY));
    assert_eq!(write(&producer, &[8]).expect("sound"), moved(0));
    assert!(!producer.is_ready() && consumer.is_ready());
    assert_eq!(consumer.read(&mut buffer).expect("sound"), moved(CAPACITY));
    assert!(buffer[..CAPACITY].iter().all(|byte| *byte == 7));
    assert!(producer.is_ready() && !consumer.is_ready());
}

#[test]
fn pieces_follow_each_other_until_the_ring_is_full() {
    let (producer, consumer) = ring();
    let (large, mut buffer) = (vec![7; CAPACITY], vec![0; CAPACITY]);
    let pieces = [b"ab".as_slice(), b"", b"cde", large.as_slice(), b"f"].map(IoSlice::new);
    assert_eq!(producer.write(&pieces).expect("sound"), moved(CAPACITY));
    assert_eq!(consumer.read(&mut buffer).expect("sound"), moved(CAPACITY));
    assert_eq!(&buffer[..6], b"abcde\x07");
}

#[test]
fn who_sleeps_is_woken_once() {
    let (producer, consumer) = ring();
    let mut buffer = vec![0; CAPACITY];
    assert!(!consumer.sleep());
    assert!(write(&producer, b"a").expect("sound").wake);
    assert!(!write(&producer, b"b").expect("sound").wake);
    assert!(consumer.sleep(), "something is there");
    assert!(!write(&producer, &vec![0; CAPACITY]).expect("sound").wake);
    assert!(!producer.sleep());
    // Not for a few bytes: the writer would be woken for each.
    assert!(!consumer.read(&mut buffer[..10]).expect("sound").wake);
    assert!(consumer.read(&mut buffer).expect("sound").wake);
    assert!(!producer.sleep() || producer.is_ready());
}

#[test]
fn impossible_counts_are_errors() {
    for tail in [u64::MAX, CAPACITY as u64 + 1, 1 << 40] {
        let (here, there) = shared();
        let consumer = Consumer::new(there, Half::First);
        here.word(Half::First, Word::Tail).store(tail, SeqCst);
        assert!(consumer.is_ready(), "so that the error is told");
        assert_eq!(consumer.read(&mut [0; 16]).map_err(|error| error.kind()), Err(ErrorKind::InvalidData));
    }
    for head in [u64::MAX, 1, 1 << 40] {
        let (here, there) = shared();
        let producer = Producer::new(there, Half::First);
        here.word(Half::First, Word::Head).store(head, SeqCst);
        assert!(producer.is_ready(), "so that the error is told");
        assert_eq!(write(&producer, &vec![0; CAPACITY + 1]).map_err(|error| error.kind()), Err(ErrorKind::InvalidData));
    }
}

#[test]
fn counts_that_go_back_are_errors() {
    let (here, there) = shared();
    let consumer = Consumer::new(there, Half::First);
    here.word(Half::First, Word::Tail).store(10, SeqCst);
    assert_eq!(consumer.read(&mut [0; 4]).expect("sound"), moved(4));
    here.word(Half::First, Word::Tail).store(8, SeqCst);
    assert!(consumer.read(&mut [0; 16]).is_err());
}

#[test]
fn memory_that_could_be_taken_away_is_refused() {
    let refused = |descriptor: OwnedFd, capacity| Memory::adopt(descriptor, capacity).expect_err("refused").to_string();
    let unsealed = File::from(memfd(libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING).expect("memory"));
    unsealed.set_len(2 * (4096 + CAPACITY as u64)).expect("it can grow");
    assert_eq!(refused(unsealed.into(), CAPACITY), "the shared memory can be taken away");
    let (_memory, descriptor) = Memory::create(CAPACITY).expect("memory");
    assert_eq!(refused(descriptor, 2 * CAPACITY), "the shared memory is not as large as it should be");
    let (_memory, descriptor) = Memory::create(CAPACITY).expect("memory");
    assert_eq!(refused(descriptor, CAPACITY + 1), "no size of a ring");
    refused(File::open("/dev/null").expect("it is there").into(), CAPACITY);
}

/// The bell between two threads.
struct Sleeper(Thread);

impl Sleeper {
    fn wake(&self, moved: Moved) {
        if moved.wake {
            self.0.unpark();
        }
    }
}

/// Sleeps until the bell rings. Where a wake is lost the test ends here.
fn park() {
    let start = std::time::Instant::now();
    std::thread::park_timeout(PATIENCE);
    assert!(start.elapsed() < PATIENCE, "nobody rang");
}

const WRITES: usize = 1_000_000;
const PATTERN_BYTES: usize = 256;

/// Returns what is written: for each write where in the pattern it begins and how long it is.
fn writes() -> impl Iterator<Item = (usize, usize)> {
    let mut random = 1_u64;
    std::iter::repeat_with(move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random as usize >> 40 & 127, (random as usize >> 50 & 63) + 1)
    })
    .take(WRITES)
}

fn mix(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| hash.rotate_left(5).wrapping_add(u64::from(*byte)))
}

#[test]
fn a_million_writes_of_all_sizes_arrive_in_order_and_no_wake_is_lost() {
    let (memory, descriptor) = Memory::create(CAPACITY).expect("memory");
    let reader = Sleeper(std::thread::current());
    let writer = std::thread::spawn(move || {
        let memory = Memory::adopt(descriptor, CAPACITY).expect("the same memory");
        let producer = Producer::new(Rc::new(memory), Half::First);
        let pattern: Vec<u8> = (0..PATTERN_BYTES).map(|at| at as u8).collect();
        let mut hash = 0;
        for (at, length) in writes() {
            let mut bytes = &pattern[at..at + length];
            hash = mix(hash, bytes);
            while !bytes.is_empty() {
                let moved = write(&producer, bytes).expect("sound");
                bytes = &bytes[moved.bytes..];
                reader.wake(moved);
                if moved.bytes == 0 && !producer.sleep() {
                    park();
                }
            }
        }
        hash
    });
    let consumer = Consumer::new(Rc::new(memory), Half::First);
    let sleeper = Sleeper(writer.thread().clone());
    let mut left: usize = writes().map(|(_, length)| length).sum();
    let (mut hash, mut buffer) = (0, vec![0; 10_000]);
    while left > 0 {
        let moved = consumer.read(&mut buffer).expect("sound");
        hash = mix(hash, &buffer[..moved.bytes]);
        left -= moved.bytes;
        sleeper.wake(moved);
        if moved.bytes == 0 && !consumer.sleep() {
            park();
        }
    }
    assert_eq!(hash, writer.join().expect("no panic"));
}

fn local<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("it happens in time") })
}

/// Two ends, set up as the dialer and the acceptor do.
async fn streams() -> (ShmStream, ShmStream) {
    let (here, there) = UnixStream::pair().expect("a pair");
    let accepted = async {
        assert!(is_offered(&there).await.expect("a byte"));
        accept(there).await.expect("sound memory")
    };
    let (dialed, accepted) = futures::join!(dial(here), accepted);
    (dialed.expect("it is taken"), accepted)
}

async fn read_all(stream: &ShmStream) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 10_000]);
    loop {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(0) => return Ok(all),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn write_all(stream: &ShmStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[test]
fn both_ends_sleep_and_wake_until_all_is_there() {
    local(async {
        let (here, there) = streams().await;
        // Several rings full, each way.
        let bytes: Vec<u8> = (0..5_000_000_u32).map(|number| (number.wrapping_mul(97) >> 7) as u8).collect();
        let answer: Vec<u8> = bytes.iter().rev().copied().collect();
        let one = async {
            write_all(&here, &bytes).await.expect("it is there");
            let heard = read_all(&here).await.expect("sound");
            assert!(heard == answer);
        };
        let other = async {
            let mut heard = vec![0; bytes.len()];
            let mut at = 0;
            while at < heard.len() {
                there.readable().await.expect("sound");
                at += there.try_read(&mut heard[at..]).unwrap_or_default();
            }
            assert!(heard == bytes);
            write_all(&there, &answer).await.expect("it is there");
            drop(there);
        };
        futures::join!(one, other);
    });
}

#[test]
fn what_was_written_before_the_end_is_read_before_the_end() {
    local(async {
        let (here, there) = streams().await;
        assert_eq!(here.try_read(&mut [0; 8]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
        write_all(&here, b"the last words").await.expect("it is there");
        drop(here);
        assert_eq!(read_all(&there).await.expect("sound"), b"the last words");
        assert_eq!(there.try_read(&mut [0; 8]).expect("the end"), 0);
        there.writable().await.expect("nothing to wait for");
        assert_eq!(there.try_write(b"x").map_err(|error| error.kind()), Err(ErrorKind::BrokenPipe));
    });
}

#[test]
fn a_writer_that_waits_for_room_is_told_that_nobody_reads_any_more() {
    local(async {
        let (here, there) = streams().await;
        let write = async { write_all(&here, &vec![0; 8 << 20]).await.map_err(|error| error.kind()) };
        let leave = async { drop(there) };
        let (written, ()) = futures::join!(write, leave);
        assert_eq!(written, Err(ErrorKind::BrokenPipe));
    });
}

#[test]
fn a_peer_that_rings_without_end_is_gone() {
    local(async {
        let (mut here, there) = UnixStream::pair().expect("a pair");
        let (_memory, descriptor) = Memory::create(1 << 20).expect("memory");
        send_with(here.as_fd(), b"\0SHM\x01\x14\0\0", descriptor.as_fd()).expect("it is there");
        let stream = accept(there).await.expect("sound memory");
        assert_eq!(here.read_u8().await.expect("an answer"), b'Y');
        here.write_all(&[1; 10_000]).await.expect("it is there");
        assert_eq!(read_all(&stream).await.expect("the end"), b"");
    });
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(std::sync::atomic::AtomicUsize);

impl Wake for Count {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn an_awake_run_loop_finds_what_is_there_without_a_bell() {
    local(async {
        let (here, there) = streams().await;
        let count = std::sync::Arc::new(Count::default());
        let waker = Waker::from(std::sync::Arc::clone(&count));
        watch::wake_up();
        assert!(there.poll_readable(&mut Context::from_waker(&waker)).is_pending());
        watch::look(1);
        assert_eq!(count.0.load(SeqCst), 0);
        write_all(&here, b"x").await.expect("it is there");
        watch::look(1);
        assert_eq!(count.0.load(SeqCst), 1);
        // Awake, asleep, and at the last moment.
        assert_eq!(there.try_read(&mut [0; 8]).expect("something"), 1);
        assert!(there.poll_readable(&mut Context::from_waker(&waker)).is_pending());
        write_all(&here, b"y").await.expect("it is there");
        assert!(watch::fall_asleep());
        assert_eq!(count.0.load(SeqCst), 2);
        assert_eq!(there.try_read(&mut [0; 8]).expect("something"), 1);
        // Who began to wait while the loop was awake hears the bell when it sleeps.
        watch::wake_up();
        let heard = Cell::new(false);
        let listen = async {
            there.readable().await.expect("sound");
            heard.set(true);
        };
        let mut listen = pin!(listen);
        std::future::poll_fn(|context| {
            assert!(listen.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(!watch::fall_asleep());
        futures::join!(listen, async { write_all(&here, b"z").await.expect("it is there") });
        assert!(heard.get());
    });
}

#[test]
fn an_offer_without_memory_is_refused() {
    local(async {
        let (mut here, there) = UnixStream::pair().expect("a pair");
        here.write_all(b"\0SHM\x01\x14\0\0").await.expect("it is there");
        assert!(is_offered(&there).await.expect("a byte"));
        assert_eq!(accept(there).await.expect_err("refused").kind(), ErrorKind::InvalidData);
        assert_eq!(here.read_u8().await.expect("an answer"), b'N');
    });
}

#[test]
fn an_offer_of_another_file_is_refused() {
    local(async {
        let (mut here, there) = UnixStream::pair().expect("a pair");
        let file = File::open("/dev/null").expect("it is there");
        assert_eq!(send_with(here.as_fd(), b"\0SHM\x01\x14\0\0", file.as_fd()).expect("it is there"), 8);
        assert!(is_offered(&there).await.expect("a byte"));
        assert!(accept(there).await.is_err());
        assert_eq!(here.read_u8().await.expect("an answer"), b'N');
    });
}

#[test]
fn a_peer_that_takes_no_memory_is_told_from_one_that_is_gone() {
    local(async {
        let (here, mut there) = UnixStream::pair().expect("a pair");
        let answer = async {
            let mut offer = [0; 8];
            there.read_exact(&mut offer).await.expect("an offer");
            there.write_all(b"N").await.expect("it is there");
        };
        let (dialed, ()) = futures::join!(dial(here), answer);
        assert!(matches!(dialed, Err(SetupError::Unable(_))), "{dialed:?}");
    });
}

#[test]
fn a_caller_that_wants_the_socket_itself_gets_it() {
    local(async {
        let (mut here, mut there) = UnixStream::pair().expect("a pair");
        here.write_all(b"HYDR").await.expect("it is there");
        assert!(!is_offered(&there).await.expect("a byte"));
        let mut bytes = [0; 4];
        there.read_exact(&mut bytes).await.expect("nothing was taken away");
        assert_eq!(&bytes, b"HYDR");
    });
}
