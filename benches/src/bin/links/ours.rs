//! Our path: the `.hf` programs in `programs/`, built by `hydro build --release` and wired by the environment alone.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use benches::hydro::{benches_folder, clean};
use benches::process::{Schedule, Talker};

use crate::cell::{Cell, Kind, Transport};
use crate::certificates::Certificates;
use crate::cpu::admin_path;

/// The built programs.
pub(crate) struct Programs {
    /// Executables by name of the program.
    executables: BTreeMap<String, PathBuf>,
    certificates: Certificates,
    /// The command that built them.
    hydro: PathBuf,
}

/// Where programs are built, and from what.
fn folders() -> (PathBuf, PathBuf) {
    (benches_folder().join("target/programs"), benches_folder().join("programs"))
}

/// Builds all programs.
pub(crate) fn build(hydro: &Path) -> Result<Programs, String> {
    let mut command = Command::new(hydro);
    clean(&mut command);
    let (target, programs) = folders();
    command.args(["build", "--release", "--message-format", "json", "--target-dir"]).arg(target);
    let output = command.current_dir(programs).output();
    let output = output.map_err(|error| format!("cannot run `{}`: {error}", hydro.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("`hydro build` ended with {}:\n{said}", output.status));
    }
    let events = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let programs = events.filter_map(|event| {
        let name = Path::new(event.get("source")?.as_str()?).file_stem()?.to_string_lossy().into_owned();
        Some((name, PathBuf::from(event.get("executable")?.as_str()?)))
    });
    let executables: BTreeMap<String, PathBuf> = programs.collect();
    let certificates = Certificates::make(executables.keys().cloned())?;
    Ok(Programs { executables, certificates, hydro: hydro.to_owned() })
}

impl Programs {
    /// Messages of 8 bytes are numbers, those of 16 pairs of them, the others texts.
    fn command(&self, role: &str, cell: &Cell) -> Result<Command, String> {
        let message = match cell.bytes {
            8 => "number",
            16 => "pair",
            _ => "text",
        };
        let name = format!("{role}_{message}");
        let executable = self.executables.get(&name).ok_or_else(|| format!("`hydro build` made no `{name}`"))?;
        let mut command = Command::new(executable);
        if cell.transport == Transport::Tls {
            command.envs(self.certificates.variables(&name));
        }
        if cell.spin {
            command.env("HYDRO_POLL", "spin");
        }
        Ok(command)
    }
}

/// Starts both ends, the receiver first.
pub(crate) fn start(cell: &Cell, programs: &Programs) -> Result<(Talker, Talker), String> {
    start_at(&endpoint(cell.transport, "there")?, cell, programs)
}

/// Starts both ends, of which the receiver listens at `there`.
pub(crate) fn start_at(there: &str, cell: &Cell, programs: &Programs) -> Result<(Talker, Talker), String> {
    let one_way = cell.kind == Kind::Throughput;
    let mut receiver = programs.command(if one_way { "count" } else { "pong" }, cell)?;
    let mut sender = programs.command(if one_way { "send" } else { "ping" }, cell)?;
    receiver.env("HYDRO_INPUT_INBOUND", there);
    if cell.watched {
        for (command, receives) in [(&mut receiver, true), (&mut sender, false)] {
            command.env("HYDRO_ADMIN", format!("unix:{}", admin_path(receives).display()));
        }
    }
    sender.env("HYDRO_OUTPUT_OUTBOUND", there);
    sender.env("HYDRO_PARAM_SECONDS", cell.seconds.to_string()).env("HYDRO_PARAM_BYTES", cell.bytes.to_string());
    if !one_way {
        let here = endpoint(cell.transport, "here")?;
        sender.env("HYDRO_INPUT_INBOUND", &here).env("HYDRO_PARAM_OUTSTANDING", cell.outstanding().to_string());
        receiver.env("HYDRO_OUTPUT_OUTBOUND", here);
    }
    Ok((Talker::start(&mut receiver, cell.schedule(true))?, Talker::start(&mut sender, cell.schedule(false))?))
}

/// Starts both ends as services of one process; nobody is bound to a processor. The first call builds that process.
pub(crate) fn start_together(cell: &Cell, programs: &Programs) -> Result<Talker, String> {
    let (target, folder) = folders();
    let mut command = Command::new(&programs.hydro);
    clean(&mut command);
    command.args(["run", "--release", "--quiet", "--target-dir"]).arg(target).current_dir(folder);
    command.args(["colocated.hydro.py", cell.kind.word(), &cell.seconds.to_string()]);
    Talker::start(&mut command, Schedule { processor: None, first: false })
}

/// Returns an address that nobody listens on.
pub(crate) fn endpoint(transport: Transport, end: &str) -> Result<String, String> {
    let path = std::env::temp_dir().join(format!("benches-{}-{end}", std::process::id()));
    match transport {
        Transport::Tcp | Transport::Tls => {
            let scheme = if transport == Transport::Tls { "tls" } else { "tcp" };
            let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            return listener.map(|address| format!("{scheme}://{address}")).map_err(|error| error.to_string());
        }
        Transport::Unix | Transport::Shm => drop(std::fs::remove_file(&path)),
    }
    let scheme = if transport == Transport::Shm { "shm" } else { "unix" };
    Ok(format!("{scheme}:{}", path.display()))
}
