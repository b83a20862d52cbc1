//! Joins a caller that came over ssh to the host of a deployment, which is started where none serves it.
//!
//! Bytes go from standard input to the host and from the host to standard output; nothing here understands them.

use std::fs::OpenOptions;
use std::io;
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::child;
use crate::serve::socket;

/// How long a host may take until it listens.
const START_TIME: Duration = Duration::from_secs(10);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Joins standard input and output to the host that serves this folder.
///
/// # Errors
/// No host can be started there, or it is gone.
pub fn attach(folder: &Path) -> io::Result<()> {
    let stream = match UnixStream::connect(socket(folder)) {
        Ok(stream) => stream,
        Err(_) => start(folder)?,
    };
    let mut sending = stream.try_clone()?;
    // Ends with the process when the host has hung up.
    std::thread::spawn(move || {
        let _ = copy(&mut io::stdin(), &mut sending);
        let _ = sending.shutdown(Shutdown::Write);
    });
    copy(&mut &stream, &mut io::stdout())
}

/// Passes each piece on as it comes.
fn copy(from: &mut impl io::Read, to: &mut impl io::Write) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = match from.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        to.write_all(bytes)?;
        to.flush()?;
    }
}

fn start(folder: &Path) -> io::Result<UnixStream> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join("host.log"))?;
    let mut command = child::command(std::env::current_exe()?);
    command.arg("serve").arg(folder).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let detach = || rustix::process::setsid().map(drop).map_err(io::Error::from);
    // SAFETY: the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(detach) };
    let mut process = command.spawn()?;
    let deadline = Instant::now() + START_TIME;
    loop {
        if let Ok(stream) = UnixStream::connect(socket(folder)) {
            return Ok(stream);
        }
        // Another may have been started at the same time; then ours ends, and that one listens soon.
        let _ = process.try_wait()?;
        if Instant::now() > deadline {
            let said = std::fs::read_to_string(folder.join("host.log")).unwrap_or_default();
            let last = said.lines().last().unwrap_or("it said nothing").to_owned();
            return Err(io::Error::other(format!("the host in `{}` does not come up: {last}", folder.display())));
        }
        std::thread::sleep(PAUSE);
    }
}
