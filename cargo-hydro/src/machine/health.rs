//! Whether a member that runs can do its work: asked until it can, or its time is over.
//!
//! Knows how to ask, not whom or why.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hydro_host::words::Check;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{Logs, MemberSpec, SshMachine};
use crate::report::LogStream;
use crate::sys::{Launch, Process};

/// The pause between two questions.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);

/// How to find out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthCheck {
    /// A command that ends with 0; it has the member's variables and works in its folder.
    Command(Vec<String>),
    /// A page that is answered with a status below 400: `http://HOST:PORT/PATH`.
    Http(String),
    /// A line of its output that holds this text.
    Log(String),
    /// An address that takes connections.
    Connect(String),
}

/// How to find out, and how long a start may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// How.
    pub check: HealthCheck,
    /// Who is not well by then has failed.
    pub timeout: Duration,
    /// How it is asked again while it runs; none: it is not.
    #[serde(default)]
    pub rounds: Option<Rounds>,
}

/// How a member that was well is asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounds {
    /// The time between two questions.
    pub every: Duration,
    /// Who is not well so often in a row has failed.
    pub failures: u32,
}

/// What a question may need to know of the member.
#[derive(Clone, Debug)]
pub struct Patient {
    /// What it wrote.
    pub logs: Logs,
    /// Its variables.
    pub env: BTreeMap<String, String>,
    /// Where it works.
    pub directory: PathBuf,
    /// The machine on which it must be asked, and its name there; none: this one.
    pub far: Option<(SshMachine, String)>,
}

impl Health {
    /// Waits until the member is well, but no longer than it may take.
    ///
    /// # Errors
    /// Says what was waited for.
    pub async fn wait(&self, patient: &Patient) -> Result<(), String> {
        let well = tokio::time::timeout(self.timeout, self.check.wait(patient));
        well.await.map_err(|_| format!("waited {:?} for {}", self.timeout, self.check.describe()))
    }
}

impl MemberSpec {
    /// Waits until the member that was started so is well.
    ///
    /// # Errors
    /// Says what was waited for, for too long.
    pub async fn until_well(&self) -> Result<(), String> {
        let Some(health) = &self.health else { return Ok(()) };
        health.wait(&self.patient()).await
    }

    /// Asks once whether the member that was started so is well.
    ///
    /// # Errors
    /// Says what was waited for.
    pub async fn is_well(&self) -> Result<(), String> {
        let Some(health) = &self.health else { return Ok(()) };
        match health.check.is_well(&self.patient()).await {
            true => Ok(()),
            false => Err(health.check.describe()),
        }
    }

    fn patient(&self) -> Patient {
        let (logs, env, directory) = (self.logs.clone(), self.env.clone(), self.directory.clone());
        let far = self.away.as_ref().map(|away| (away.machine.clone(), self.name.clone()));
        Patient { logs, env, directory, far }
    }
}

impl HealthCheck {
    /// Waits until the member is well. Never returns where it never is.
    pub async fn wait(&self, patient: &Patient) {
        if let Self::Log(text) = self {
            return wait_for_line(&patient.logs, text).await;
        }
        loop {
            if self.is_well(patient).await {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks once. Who does not answer in time is not well.
    pub async fn is_well(&self, patient: &Patient) -> bool {
        matches!(tokio::time::timeout(QUESTION, self.ask(patient)).await, Ok(true))
    }

    /// Returns what was waited for, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Command(argv) => format!("`{}` to end with 0", argv.join(" ")),
            Self::Http(url) => format!("`{url}` to be answered"),
            Self::Log(text) => format!("a line with `{text}`"),
            Self::Connect(address) => format!("`{address}` to take a connection"),
        }
    }

    /// Returns the question as another machine is asked it.
    fn elsewhere(&self) -> Option<Check> {
        match self {
            Self::Command(argv) => Some(Check::Command(argv.clone())),
            Self::Http(url) => Some(Check::Http(url.clone())),
            Self::Connect(address) => Some(Check::Connect(address.clone())),
            Self::Log(_) => None,
        }
    }

    async fn ask(&self, patient: &Patient) -> bool {
        if let (Some((machine, member)), Some(check)) = (&patient.far, self.elsewhere()) {
            return machine.check(member, check).await.unwrap_or(false);
        }
        match self {
            Self::Command(argv) => run(argv, patient).await,
            Self::Http(url) => get(url).await.is_some_and(|status| status < 400),
            Self::Connect(address) => TcpStream::connect(address).await.is_ok(),
            Self::Log(_) => false,
        }
    }
}

/// Whether a text is a URL that [`HealthCheck::Http`] can ask.
#[must_use]
pub fn is_http_url(url: &str) -> bool {
    split_url(url).is_some()
}

fn split_url(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    authority.contains(':').then_some((authority, if path.is_empty() { "/" } else { path }))
}

/// Asks for a page and returns the status.
async fn get(url: &str) -> Option<u16> {
    let (authority, path) = split_url(url)?;
    let address: SocketAddr = tokio::net::lookup_host(authority).await.ok()?.next()?;
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    // `HTTP/1.1 200`
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.ok()?;
    std::str::from_utf8(&head).ok()?.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

async fn run(argv: &[String], patient: &Patient) -> bool {
    let Some((program, args)) = argv.split_first() else { return false };
    let launch = Launch {
        program: program.into(),
        args: args.iter().map(OsString::from).collect(),
        env: patient.env.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        directory: Some(patient.directory.clone()),
        ..Launch::default()
    };
    match Process::spawn(launch) {
        Ok(mut process) => process.wait().await.is_ok_and(|exit| exit.success()),
        Err(_) => false,
    }
}

async fn wait_for_line(logs: &Logs, text: &str) {
    let (mut out, mut err) = (logs.read(LogStream::Stdout), logs.read(LogStream::Stderr));
    let (mut out_ended, mut err_ended) = (false, false);
    loop {
        let line = tokio::select! {
            line = out.next(), if !out_ended => { out_ended = line.is_none(); line }
            line = err.next(), if !err_ended => { err_ended = line.is_none(); line }
            // It has ended; whoever waits for that is told of it elsewhere.
            else => std::future::pending().await,
        };
        if line.is_some_and(|line| line.contains(text)) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient() -> Patient {
        Patient { logs: Logs::default(), env: BTreeMap::new(), directory: "/".into(), far: None }
    }

    async fn is_well(check: HealthCheck, patient: &Patient) -> bool {
        tokio::time::timeout(Duration::from_millis(200), check.wait(patient)).await.is_ok()
    }

    #[tokio::test]
    async fn each_way_of_asking_tells_well_from_ill() {
        let mut patient = patient();
        patient.env.insert("WELL".into(), "0".into());
        let command = |script: &str| HealthCheck::Command(vec!["sh".into(), "-c".into(), script.into()]);
        assert!(is_well(command("exit $WELL"), &patient).await);
        assert!(!is_well(command("exit 3"), &patient).await);
        assert!(!is_well(HealthCheck::Command(vec!["no-such-program".into()]), &patient).await);

        patient.logs.push(LogStream::Stdout, "starting");
        let ready = HealthCheck::Log("ready".into());
        assert!(!is_well(ready.clone(), &patient).await);
        patient.logs.push(LogStream::Stderr, "now ready to serve");
        assert!(is_well(ready, &patient).await);

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(is_well(HealthCheck::Connect(address.clone()), &patient).await);
        tokio::spawn(async move {
            for status in ["503 Busy", "nonsense", "204 None"].iter().cycle() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes()).await;
            }
        });
        let page = HealthCheck::Http(format!("http://{address}/health"));
        tokio::time::timeout(Duration::from_secs(20), page.wait(&patient)).await.unwrap();
        assert!(!is_well(HealthCheck::Http("http://127.0.0.1:1/".into()), &patient).await);
    }

    #[test]
    fn only_plain_urls_with_a_port_can_be_asked() {
        assert_eq!(split_url("http://a:1"), Some(("a:1", "/")));
        assert_eq!(split_url("http://a:1/b/c?d"), Some(("a:1", "/b/c?d")));
        for url in ["https://a:1/", "a:1", "http://a/", ""] {
            assert!(!is_http_url(url), "{url}");
        }
    }
}
