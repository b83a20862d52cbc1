//! Whether a member is well: one question, asked on its own machine.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::child;
use crate::words::Check;

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(5);
/// How often a command's end is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// Asks once.
pub(crate) fn ask(check: &Check, env: &BTreeMap<String, String>, directory: &Path) -> bool {
    match check {
        Check::Command(argv) => run(argv, env, directory).unwrap_or(false),
        Check::Http(url) => get(url).is_some_and(|status| status < 400),
        Check::Connect(address) => connect(address).is_some(),
    }
}

fn run(argv: &[String], env: &BTreeMap<String, String>, directory: &Path) -> Option<bool> {
    let (program, args) = argv.split_first()?;
    let mut command = child::command(program);
    command.args(args).envs(env).current_dir(directory);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
    let deadline = Instant::now() + QUESTION;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().ok()? {
            return Some(status.success());
        }
        std::thread::sleep(LOOK);
    }
    child.kill().and_then(|()| child.wait()).ok().map(|_| false)
}

fn connect(address: &str) -> Option<TcpStream> {
    address.to_socket_addrs().ok()?.find_map(|address| TcpStream::connect_timeout(&address, QUESTION).ok())
}

fn get(url: &str) -> Option<u16> {
    let rest = url.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let mut stream = connect(authority)?;
    stream.set_read_timeout(Some(QUESTION)).ok()?;
    let path = if path.is_empty() { "/" } else { path };
    // In one piece: a server may answer and hang up at the first.
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    // `HTTP/1.1 200`
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    std::str::from_utf8(&head).ok()?.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn each_way_of_asking_tells_well_from_ill() {
        let env = BTreeMap::from([("WELL".to_owned(), "0".to_owned())]);
        let command = |script: &str| Check::Command(vec!["sh".into(), "-c".into(), script.into()]);
        let ask = |check: Check| super::ask(&check, &env, Path::new("/"));
        assert!(ask(command("exit $WELL")));
        assert!(!ask(command("exit 3")));
        assert!(!ask(Check::Command(vec!["no-such-program".into()])));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(ask(Check::Connect(address.clone())));
        listener.accept().unwrap();
        std::thread::spawn(move || {
            for status in ["503 Busy", "204 None"] {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes());
            }
        });
        let page = Check::Http(format!("http://{address}/health"));
        assert!(!ask(page.clone()));
        assert!(ask(page.clone()));
        assert!(!ask(Check::Http("http://127.0.0.1:1/".into())));
    }
}
