//! The host as its callers see it: the real program, driven over its standard input and output.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use hydro_host::words::{
    Answer, Ask, Bind, Bound, Bounds, Claim, Event, Happened, Keep, Line, Request, Restart, Spec, VERSION,
};

const LONG: Duration = Duration::from_secs(60);

/// A caller that is attached to a host.
struct Caller {
    process: Child,
    orders: ChildStdin,
    lines: BufReader<ChildStdout>,
    id: u64,
}

impl Caller {
    #[expect(clippy::disallowed_methods, reason = "a test starts what a deployer starts over ssh")]
    fn attach(folder: &Path) -> Self {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hydro-host"));
        let mut process =
            command.arg("attach").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, lines) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, orders, lines, id: 0 }
    }

    fn claim(folder: &Path, token: &str) -> Self {
        let mut caller = Self::attach(folder);
        let answer = caller.ask(claim(token));
        assert!(matches!(answer, Answer::Claimed { .. }), "{answer:?}");
        caller
    }

    fn ask(&mut self, ask: Ask) -> Answer {
        self.id += 1;
        writeln!(self.orders, "{}", serde_json::to_string(&Request { id: self.id, ask }).unwrap()).unwrap();
        match self.line() {
            Line::Reply { id, answer } => {
                assert_eq!(id, self.id);
                answer
            }
            Line::Event(event) => panic!("{event:?}"),
        }
    }

    fn line(&mut self) -> Line {
        let mut line = String::new();
        assert!(self.lines.read_line(&mut line).unwrap() > 0, "the host hung up");
        serde_json::from_str(&line).unwrap()
    }

    fn bind(&mut self, member: &str) -> Bound {
        let anywhere = ([127, 0, 0, 1], 0).into();
        let exposed = [("outside".to_owned(), anywhere)].into();
        let wish = Bind { member: member.into(), listen: Some(anywhere), ports: vec!["web".into()], exposed };
        match self.ask(Ask::Bind(wish)) {
            Answer::Bound(bound) => bound,
            other => panic!("{other:?}"),
        }
    }

    fn start(&mut self, spec: &Spec) -> (u64, u32) {
        match self.ask(Ask::Start(Box::new(spec.clone()))) {
            Answer::Started { run, pid } => (run, pid),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn claim(token: &str) -> Ask {
    Ask::Claim(Claim {
        version: VERSION,
        token: token.into(),
        who: format!("user of {token}"),
        force: false,
        looks: false,
    })
}

fn refusal(answer: Answer) -> String {
    match answer {
        Answer::Refused { why } => why,
        other => panic!("{other:?}"),
    }
}

fn spec(member: &str, script: &str) -> Spec {
    Spec {
        member: member.into(),
        program: "sh".into(),
        args: vec!["-c".into(), script.into()],
        env: BTreeMap::from([("LISTEN_FDS".to_owned(), "3".to_owned())]),
        directory: format!("work/{member}"),
        data: Some(format!("data/{member}")),
        fresh: false,
        keep: Keep { restart: Restart::Permanent, first_ms: 10, longest_ms: 100, reset_ms: 5000, grace_ms: 5000 },
        bounds: Bounds::default(),
    }
}

/// Follows what happens, on a connection of its own.
struct Events(Caller);

impl Events {
    fn of(folder: &Path, token: &str) -> Self {
        let mut caller = Caller::attach(folder);
        let Ask::Claim(looks) = claim(token) else { unreachable!() };
        caller.ask(Ask::Claim(Claim { looks: true, ..looks }));
        assert_eq!(caller.ask(Ask::Follow { from: 0 }), Answer::Done {});
        Self(caller)
    }

    fn until(&mut self, wish: impl Fn(&Event) -> bool) -> Event {
        loop {
            if let Line::Event(event) = self.0.line()
                && wish(&event)
            {
                return event;
            }
        }
    }

    fn says(&mut self, text: &str) -> Event {
        self.until(|event| event.what == Happened::Out(text.into()))
    }
}

/// The folder of a deployment, which is taken down whatever becomes of the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("d")
    }

    fn processes(&self) -> Vec<u32> {
        let marker = self.path().display().to_string();
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|pid| {
                let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&command).contains(&marker)
            })
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.path().exists() {
            let mut caller = Caller::attach(&self.path());
            let Ask::Claim(force) = claim("cleaner") else { unreachable!() };
            caller.ask(Ask::Claim(Claim { force: true, ..force }));
            caller.ask(Ask::Down {});
        }
    }
}

fn is_alive(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn wait(wish: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came that {wish}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

const SERVE: &str = "echo \"up $LISTEN_FDS $(readlink /proc/self/fd/3 | cut -c1-6)\"; sleep 600";

#[test]
fn a_member_inherits_its_sockets_and_is_left_alone_when_it_is_as_wished() {
    let folder = Folder::new();
    let mut caller = Caller::claim(&folder.path(), "mine");
    let bound = caller.bind("a");
    assert_eq!(caller.bind("a"), bound, "it has them already");
    let address = bound.address.unwrap();
    assert!(bound.ports["web"] > 0 && bound.ports["web"] != address.port());
    let (run, pid) = caller.start(&spec("a", SERVE));
    assert_eq!(run, 1);
    let mut events = Events::of(&folder.path(), "mine");
    events.says("up 3 socket");
    TcpStream::connect(address).unwrap();
    assert_eq!(caller.start(&spec("a", SERVE)), (1, pid));
    assert!(refusal(caller.ask(Ask::Start(Box::new(spec("a", "true"))))).contains("another program"));

    assert_eq!(caller.ask(Ask::Stop { member: "a".into(), kill: false, hold: true }), Answer::Done {});
    let end = events.until(|event| matches!(event.what, Happened::Exit { .. }));
    assert_eq!(end.what, Happened::Exit { code: None, signal: Some(15), asked: true });
    let (run, _) = caller.start(&spec("a", "exit 7"));
    let end = events.until(|event| event.run == run && matches!(event.what, Happened::Exit { .. }));
    assert_eq!(end.what, Happened::Exit { code: Some(7), signal: None, asked: false });
    assert_eq!(caller.ask(Ask::Down {}), Answer::Done {});
    wait("nothing is left", || folder.processes().is_empty() && !folder.path().exists());
}

#[test]
fn while_nobody_holds_it_the_host_starts_members_again() {
    let folder = Folder::new();
    let mut caller = Caller::claim(&folder.path(), "mine");
    let bound = caller.bind("a");
    let (_, first) = caller.start(&spec("a", "echo up; sleep 600"));
    drop(caller);
    let mut events = Events::of(&folder.path(), "mine");
    events.says("up");
    kill(first);
    let end = events.until(|event| matches!(event.what, Happened::Exit { .. }));
    assert_eq!(end.what, Happened::Exit { code: None, signal: Some(9), asked: false });
    assert_eq!(events.says("up").run, 2);
    TcpStream::connect(bound.address.unwrap()).unwrap();
}

#[test]
fn a_host_that_is_killed_comes_back_with_its_members_at_the_same_sockets() {
    let folder = Folder::new();
    let mut caller = Caller::claim(&folder.path(), "mine");
    let bound = caller.bind("a");
    let (_, pid) = caller.start(&spec("a", "echo up; sleep 600 & sleep 600"));
    let host = folder.processes().into_iter().find(|pid| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        String::from_utf8_lossy(&command).contains("serve")
    });
    let host = host.unwrap();
    kill(host);
    wait("the member dies with its host", || !is_alive(pid) && !is_alive(host));
    let mut events = Events::of(&folder.path(), "mine");
    let end = events.until(|event| matches!(event.what, Happened::Exit { .. }));
    assert_eq!((end.run, end.what), (1, Happened::Exit { code: None, signal: None, asked: false }));
    assert_eq!(events.until(|event| event.run == 2 && event.what == Happened::Out("up".into())).member, "a");
    let mut caller = Caller::claim(&folder.path(), "mine");
    assert_eq!(caller.bind("a"), bound);
    TcpStream::connect(bound.address.unwrap()).unwrap();
}

#[test]
fn only_one_holds_a_deployment_and_only_its_owner() {
    let folder = Folder::new();
    let mut first = Caller::claim(&folder.path(), "mine");
    let mut second = Caller::attach(&folder.path());
    assert_eq!(refusal(second.ask(claim("theirs"))), "user of mine has a deployment of that name there");
    assert_eq!(refusal(second.ask(claim("mine"))), "user of mine is at work on it");
    assert_eq!(refusal(second.ask(Ask::Down {})), "user of mine has taken the deployment over");
    assert!(matches!(second.ask(Ask::List {}), Answer::Members { .. }));
    assert_eq!(first.ask(Ask::Ping {}), Answer::Done {});
    drop(first);
    wait("the first is gone", || matches!(second.ask(claim("mine")), Answer::Claimed { .. }));
}

#[test]
fn what_is_no_request_is_refused_and_the_next_one_is_heard() {
    let folder = Folder::new();
    let mut caller = Caller::attach(&folder.path());
    writeln!(caller.orders, "hello").unwrap();
    assert!(matches!(caller.line(), Line::Reply { id: 0, answer: Answer::Refused { .. } }));
    let Ask::Claim(old) = claim("mine") else { unreachable!() };
    assert!(refusal(caller.ask(Ask::Claim(Claim { version: 0, ..old }))).contains("version"));
    assert_eq!(refusal(caller.ask(Ask::Ping {})), "claim the deployment first");
    assert!(refusal(caller.ask(Ask::Start(Box::new(spec("a", "true"))))).contains("claim"));
    caller.ask(claim("mine"));
    assert!(refusal(caller.ask(Ask::Start(Box::new(spec("a", "true"))))).contains("no sockets"));
    caller.bind("a");
    let nothing = Spec { program: "no-such-program".into(), ..spec("a", "") };
    assert!(refusal(caller.ask(Ask::Start(Box::new(nothing)))).contains("cannot start `no-such-program`"));
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
