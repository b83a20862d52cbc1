//! Joins a caller that came over ssh to the host of a deployment, which is started where none serves it.
//!
//! Bytes go from standard input to the host and from the host to standard output; nothing here understands them.

use std::io;
use std::net::Shutdown;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::serve::socket;
use crate::upkeep;
use crate::words::Services;

/// How long a host may take until it listens.
const START_TIME: Duration = Duration::from_secs(10);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// Joins standard input and output to the host that serves this folder; one that is started is kept up as is wished.
///
/// # Errors
/// No host can be started there, or it is gone.
pub fn attach(folder: &Path, wish: Services) -> io::Result<()> {
    let stream = match UnixStream::connect(socket(folder)) {
        Ok(stream) => stream,
        Err(_) => start(folder, wish)?,
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

fn start(folder: &Path, wish: Services) -> io::Result<UnixStream> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if let Err(error) = upkeep::start(folder, wish) {
        // Nothing is there that a host would serve.
        let _ = std::fs::remove_dir(folder);
        return Err(error);
    }
    let deadline = Instant::now() + START_TIME;
    loop {
        if let Ok(stream) = UnixStream::connect(socket(folder)) {
            return Ok(stream);
        }
        if Instant::now() > deadline {
            let said = std::fs::read_to_string(folder.join(upkeep::LOG)).unwrap_or_default();
            let last = said.lines().last().unwrap_or("it said nothing").to_owned();
            return Err(io::Error::other(format!("the host in `{}` does not come up: {last}", folder.display())));
        }
        std::thread::sleep(PAUSE);
    }
}
