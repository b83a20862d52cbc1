//! What is measured once: a path, a kind, a size.

use std::process::Command;
use std::str::FromStr;

use benches::process::{Schedule, Talker};

use crate::WORKER;

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// Two `.hf` programs.
    Ours,
    /// hydro_deploy's crates inside two `dfir_syntax!` flows.
    HydroDeploy,
    /// The bytes alone, through blocking sockets.
    Raw,
    /// Batches of messages without all that makes a link reliable.
    Bare,
    /// timely dataflow's exchange.
    Timely,
    /// Hydra's processes, in one program.
    Hydra,
}

impl Path {
    /// The paths of the tables that are printed without being asked for.
    pub(crate) const ALL: [Self; 3] = [Self::Ours, Self::HydroDeploy, Self::Raw];

    fn word(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::HydroDeploy => "hydro_deploy",
            Self::Raw => "raw",
            Self::Bare => "bare",
            Self::Timely => "timely",
            Self::Hydra => "hydra",
        }
    }
}

impl FromStr for Path {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::HydroDeploy, Self::Raw, Self::Bare, Self::Timely, Self::Hydra]
            .into_iter()
            .find(|path| path.word() == text)
            .ok_or(())
    }
}

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Loopback TCP.
    Tcp,
    /// Unix sockets.
    Unix,
    /// Shared memory, which our path alone has; the others go by Unix sockets.
    Shm,
    /// Encrypted TCP, which our path alone is measured with.
    Tls,
}

impl Transport {
    /// Tells whether the paths beside ours go by Unix sockets.
    pub(crate) fn is_local(self) -> bool {
        !matches!(self, Self::Tcp | Self::Tls)
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Messages per second, one way, as the receiver counts them.
    Throughput,
    /// The median time of a round trip with one message on its way.
    RoundTrip,
    /// Echoes per second with many messages on their way.
    Window,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "throughput" => Ok(Self::Throughput),
            "roundtrip" => Ok(Self::RoundTrip),
            "window" => Ok(Self::Window),
            _ => Err(()),
        }
    }
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::RoundTrip => "roundtrip",
            Self::Window => "window",
        }
    }
}

/// One measurement.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) path: Path,
    pub(crate) kind: Kind,
    pub(crate) bytes: usize,
    pub(crate) seconds: f64,
    /// What carries the bytes.
    pub(crate) transport: Transport,
    /// Our programs look at their links before they sleep.
    pub(crate) spin: bool,
    /// Before all other work on this machine.
    pub(crate) first: bool,
    /// Our programs are asked for their metrics meanwhile.
    pub(crate) watched: bool,
}

/// Bytes on their way in a window: hydro_deploy's path stops for ever with more than the sockets hold.
const WINDOW_BYTES: usize = 256 << 10;

impl Cell {
    /// Returns how many messages are on their way.
    pub(crate) fn outstanding(&self) -> usize {
        match self.kind {
            Kind::Window => (WINDOW_BYTES / self.bytes).clamp(4, 256),
            _ => 1,
        }
    }

    /// Raw sockets know no windows.
    pub(crate) fn makes_sense(&self) -> bool {
        !(self.path == Path::Raw && self.kind == Kind::Window)
    }

    /// Returns where an end runs: the receiver on the second processor.
    pub(crate) fn schedule(&self, receives: bool) -> Schedule {
        // These two have threads that wait for each other.
        let has_threads = matches!(self.path, Path::Timely | Path::Hydra);
        Schedule { processor: (!has_threads).then_some(usize::from(receives)), first: self.first }
    }

    /// Starts both ends from this executable, the receiver first.
    pub(crate) fn start_workers(&self) -> Result<(Talker, Talker), String> {
        let start = |receives: bool| {
            let this = std::env::current_exe().map_err(|error| error.to_string())?;
            let mut command = Command::new(this);
            command.arg(WORKER).args(self.write()).arg(if receives { "receive" } else { "send" });
            Talker::start(&mut command, self.schedule(receives))
        };
        Ok((start(true)?, start(false)?))
    }

    /// Starts the one process of a path that has no second one.
    pub(crate) fn start_alone(&self) -> Result<Talker, String> {
        let this = std::env::current_exe().map_err(|error| error.to_string())?;
        Talker::start(Command::new(this).arg(WORKER).args(self.write()).arg("alone"), self.schedule(true))
    }

    fn write(&self) -> [String; 5] {
        let transport = if self.transport.is_local() { "unix" } else { "tcp" };
        [
            self.path.word().into(),
            self.kind.word().into(),
            self.bytes.to_string(),
            self.seconds.to_string(),
            transport.into(),
        ]
    }

    /// Reads what [`Cell::write`] wrote. Which end a worker is, [`receives`] tells.
    pub(crate) fn read(words: &[String]) -> Result<Self, String> {
        let broken = || format!("`{}` is no measurement", words.join(" "));
        let [path, kind, bytes, seconds, transport, _] = words else { return Err(broken()) };
        Ok(Self {
            path: path.parse().map_err(|()| broken())?,
            kind: kind.parse().map_err(|()| broken())?,
            bytes: bytes.parse().map_err(|_| broken())?,
            seconds: seconds.parse().map_err(|_| broken())?,
            transport: if transport == "unix" { Transport::Unix } else { Transport::Tcp },
            spin: false,
            first: false,
            watched: false,
        })
    }
}

/// Tells whether this worker is the receiving end.
pub(crate) fn receives() -> bool {
    std::env::args().next_back().is_some_and(|word| word == "receive")
}

/// Tells the other end where this one is, by way of whoever started both, and returns what it answers.
pub(crate) fn exchange(mine: &str) -> std::io::Result<String> {
    println!("READY {mine}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
