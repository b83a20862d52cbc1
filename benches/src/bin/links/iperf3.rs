//! What `iperf3` measures between the same two processors, where it is installed. It knows no messages, and no Unix sockets.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use benches::process::{Schedule, Talker};

/// What its server may take to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns bytes per second; none where there is no `iperf3` or it fails.
pub(crate) fn bytes_per_second(first: bool) -> Option<f64> {
    Command::new("iperf3").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).ok()?.port().to_string();
    let mut server = Command::new("iperf3");
    server.args(["--server", "--one-off", "--forceflush", "--port", &port]);
    let server = Talker::start(&mut server, Schedule { processor: Some(1), first }).ok()?;
    server.hear("Server listening", PATIENCE).ok()?;
    let mut client = Command::new("iperf3");
    client.args(["--client", "127.0.0.1", "--port", &port, "--time", "1", "--json"]);
    let client = Talker::start(&mut client, Schedule { processor: Some(0), first }).ok()?;
    received(&client)
}

fn received(client: &Talker) -> Option<f64> {
    let end = Instant::now() + PATIENCE;
    let mut text = String::new();
    while Instant::now() < end {
        text.push_str(&client.hear("", PATIENCE).ok()?);
        if let Ok(said) = serde_json::from_str::<serde_json::Value>(&text) {
            return said.pointer("/end/sum_received/bits_per_second")?.as_f64().map(|bits| bits / 8.0);
        }
    }
    None
}
