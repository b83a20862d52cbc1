//! Programs with an admin socket, and callers of it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hydro_runtime_shim::contract::{AdminReply, AdminRequest, Health, LinkReport, Metrics};

/// How long a test waits for what must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Returns an example's binary, which cargo builds along with the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a file");
    test.ancestors().nth(2).expect("target/debug/deps/test").join("examples").join(name)
}

/// A folder of the test's own, for sockets.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes it; `name` is the test's.
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hydro-admin-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("ours");
        Self(path)
    }

    /// Returns a path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns the endpoint of a socket in it.
    pub(crate) fn unix(&self, name: &str) -> String {
        format!("unix:{}", self.path(name).display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns an endpoint that nobody listens on yet.
pub(crate) fn free_place() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("tcp://{}", listener.local_addr().expect("an address"))
}

/// Returns the command of a program with these variables.
pub(crate) fn command(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(example(program));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running program that does not outlive its test.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
    admin: PathBuf,
}

impl Running {
    /// Starts a program with the admin socket `NAME.admin`.
    pub(crate) fn start(
        folder: &Folder,
        name: &str,
        program: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let admin = folder.unix(&format!("{name}.admin"));
        let variables = [&[("HYDRO_ADMIN", admin.as_str()), ("HYDRO_SERVICE", name)], variables].concat();
        let mut child = command(program, arguments, &variables).spawn().expect("the example is built");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (told, lines) = channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            while stdout.read_line(&mut line).is_ok_and(|count| count > 0) {
                if told.send(line.trim_end().to_owned()).is_err() {
                    return;
                }
                line.clear();
            }
        });
        Self { child, lines, admin: folder.path(&format!("{name}.admin")) }
    }

    /// Starts `relay` between two places.
    pub(crate) fn relay(folder: &Folder, name: &str, from: &str, to: &str, arguments: &[&str]) -> Self {
        let variables = [("HYDRO_INPUT_INBOUND", from), ("HYDRO_OUTPUT_OUTBOUND", to)];
        Self::start(folder, name, "relay", arguments, &variables)
    }

    /// Returns its next line.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// Returns a line that is there already.
    pub(crate) fn line_now(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Expects the numbers as its next lines.
    pub(crate) fn expect(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            assert_eq!(self.line(), number.to_string());
        }
    }

    /// Calls it.
    pub(crate) fn call(&self) -> Caller {
        Caller::new(&self.admin)
    }

    /// Asks once.
    pub(crate) fn ask(&self, request: &AdminRequest) -> AdminReply {
        self.call().ask(request)
    }

    /// Wishes something, which must be done.
    pub(crate) fn wish(&self, request: &AdminRequest) -> String {
        match self.ask(request) {
            AdminReply::Done { remark } => remark,
            other => panic!("{request:?}: {other:?}"),
        }
    }

    /// Asks how it is.
    pub(crate) fn health(&self) -> Health {
        match self.ask(&AdminRequest::Health {}) {
            AdminReply::Health(health) => health,
            other => panic!("{other:?}"),
        }
    }

    /// Asks what it counts.
    pub(crate) fn metrics(&self) -> Metrics {
        match self.ask(&AdminRequest::Metrics {}) {
            AdminReply::Metrics(metrics) => metrics,
            other => panic!("{other:?}"),
        }
    }

    /// Returns what the port's only link counts.
    pub(crate) fn link(&self, port: &str) -> LinkReport {
        let mut links: Vec<_> = self.metrics().links.into_iter().filter(|link| link.port == port).collect();
        assert_eq!(links.len(), 1, "{links:?}");
        links.remove(0)
    }

    /// Waits until it is ready, or until it is not.
    pub(crate) fn await_ready(&self, ready: bool) {
        until(|| self.health().ready == ready);
    }

    /// Gets a path.
    pub(crate) fn get(&self, path: &str) -> (String, String) {
        http(&self.admin, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"))
    }

    /// Waits for the end; returns the exit code and what was said on stderr.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let mut status = None;
        until(|| {
            status = self.child.try_wait().expect("our child");
            status.is_some()
        });
        let mut stderr = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut stderr).expect("UTF-8");
        (status.and_then(|status| status.code()), stderr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something is so.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not happen in time");
        std::thread::yield_now();
    }
}

/// Waits until a program listens there.
pub(crate) fn connect(path: &Path) -> UnixStream {
    let mut connection = None;
    until(|| {
        connection = UnixStream::connect(path).ok();
        connection.is_some()
    });
    let connection = connection.expect("just seen");
    connection.set_read_timeout(Some(PATIENCE)).expect("a socket");
    connection
}

/// Says it and hears everything; returns head and body.
pub(crate) fn http(path: &Path, request: &str) -> (String, String) {
    let mut connection = connect(path);
    connection.write_all(request.as_bytes()).expect("it hears");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), body.to_owned())
}

/// Somebody who talks in lines.
pub(crate) struct Caller(BufReader<UnixStream>);

impl Caller {
    /// Calls.
    pub(crate) fn new(path: &Path) -> Self {
        Self(BufReader::new(connect(path)))
    }

    /// Says a line; returns the answer.
    pub(crate) fn say(&mut self, line: &str) -> AdminReply {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).expect("it hears");
        let mut answer = String::new();
        self.0.read_line(&mut answer).expect("UTF-8");
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"))
    }

    /// Says a request; returns the answer.
    pub(crate) fn ask(&mut self, request: &AdminRequest) -> AdminReply {
        self.say(&serde_json::to_string(request).expect("a request"))
    }
}
