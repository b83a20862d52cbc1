//! The bytes alone: blocking sockets of the standard library, no messages, no runtime.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use messages::report;

use crate::cell::{Cell, Kind, exchange, receives};

/// The sizes of a write of which the better one counts; both are just below a multiple of the loopback's segment (65,483 bytes).
const CHUNKS: [usize; 2] = [60 << 10, 120 << 10];

trait Socket: Read + Write {}
impl<S: Read + Write> Socket for S {}

/// Runs one end.
pub(crate) fn work(cell: &Cell) -> io::Result<()> {
    let mut socket = connect(cell.transport.is_local())?;
    match (cell.kind, receives()) {
        (Kind::Throughput, true) => take(&mut *socket, cell),
        (Kind::Throughput, false) => offer(&mut *socket, cell),
        (_, true) => pong(&mut *socket, cell),
        (_, false) => ping(&mut *socket, cell),
    }
}

fn connect(unix: bool) -> io::Result<Box<dyn Socket>> {
    if unix {
        let path = std::env::temp_dir().join(format!("benches-{}", std::process::id()));
        if receives() {
            let listener = UnixListener::bind(&path)?;
            exchange(&path.to_string_lossy())?;
            let socket = listener.accept()?.0;
            std::fs::remove_file(&path)?;
            return Ok(Box::new(socket));
        }
        return Ok(Box::new(UnixStream::connect(exchange("")?)?));
    }
    let socket = if receives() {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        exchange(&listener.local_addr()?.to_string())?;
        listener.accept()?.0
    } else {
        TcpStream::connect(exchange("")?)?
    };
    socket.set_nodelay(true)?;
    Ok(Box::new(socket))
}

/// One chunk size after the other, each for half of the time.
fn offer(socket: &mut dyn Socket, cell: &Cell) -> io::Result<()> {
    for chunk in CHUNKS {
        let bytes = vec![7; chunk];
        let end = Instant::now() + Duration::from_secs_f64(cell.seconds / 2.0);
        while Instant::now() < end {
            socket.write_all(&bytes)?;
        }
        // The receiver tells the halves apart by the pause.
        std::thread::sleep(PAUSE * 2);
    }
    Ok(())
}

const PAUSE: Duration = Duration::from_millis(25);

fn take(socket: &mut dyn Socket, cell: &Cell) -> io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let mut best = 0.0_f64;
    let (mut start, mut last, mut bytes) = (Instant::now(), Instant::now(), 0_usize);
    loop {
        let count = socket.read(&mut buffer)?;
        let now = Instant::now();
        if count == 0 || now - last > PAUSE {
            best = best.max(bytes as f64 / (last - start).as_secs_f64().max(0.001));
            (start, bytes) = (now, 0);
        }
        if count == 0 {
            report(best / cell.bytes as f64);
        }
        bytes += count;
        last = now;
    }
}

fn pong(socket: &mut dyn Socket, cell: &Cell) -> io::Result<()> {
    let mut buffer = vec![0; cell.bytes];
    loop {
        socket.read_exact(&mut buffer)?;
        socket.write_all(&buffer)?;
    }
}

fn ping(socket: &mut dyn Socket, cell: &Cell) -> io::Result<()> {
    let mut buffer = vec![0; cell.bytes];
    // The stopwatch of the other paths, so that all of them pay for it.
    let mut message = messages::first::<u64>(8, 1).swap_remove(0);
    loop {
        socket.write_all(&buffer)?;
        socket.read_exact(&mut buffer)?;
        message = messages::again(message, cell.seconds);
    }
}
