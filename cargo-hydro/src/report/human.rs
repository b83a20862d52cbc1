//! Events as text for people: cargo's look on stderr, what services write on stdout.
//!
//! Everything can be read without colours; colours only help the eye.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Color, RgbColor, Style};

use super::reporter::{Output, ReportOptions, Services};
use super::{Event, LinkEvent, LogStream, PlannedService, ServiceState, TestStatus, Verbosity};

const GREEN: Style = AnsiColor::Green.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const BLUE: Style = AnsiColor::BrightBlue.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// Evenly spread hues of one lightness, so that no service shouts.
const HUES: [(u8, u8, u8); 12] = [
    (224, 108, 117),
    (224, 145, 94),
    (209, 172, 80),
    (166, 184, 84),
    (120, 190, 106),
    (86, 190, 146),
    (78, 184, 186),
    (92, 170, 224),
    (124, 152, 234),
    (160, 136, 232),
    (196, 122, 216),
    (220, 112, 168),
];

/// Where cargo's verbs end.
const VERB_COLUMNS: usize = 12;
/// A progress line may not wrap, or it could not be taken back; this fits the narrowest usual terminal.
const PROGRESS_COLUMNS: usize = 78;

/// Writes events as text.
pub(super) struct Human {
    options: ReportOptions,
    /// Width of the widest service name seen so far.
    prefix: usize,
    /// Whether the last line of the terminal is a progress line.
    in_progress: bool,
    /// Whether the last thing told was a failure: an empty line sets the next one apart.
    failed: bool,
    /// What services write is not shown for now.
    hides_logs: bool,
}

impl Human {
    pub(super) fn new(options: ReportOptions) -> Self {
        Self { options, prefix: 0, in_progress: false, failed: false, hides_logs: false }
    }

    /// Returns whether logs are shown now.
    pub(super) fn toggle_logs(&mut self) -> bool {
        self.hides_logs = !self.hides_logs;
        !self.hides_logs
    }

    pub(super) fn emit(&mut self, output: &mut Output, event: &Event) {
        self.learn_names(event);
        if let Event::Progress { message } = event {
            self.progress(output, message);
            return;
        }
        if let Event::Log { service, stream, line } = event {
            self.log(output, service, *stream, line);
            return;
        }
        if let Event::TestListed { test } = event {
            output.stdout.write(&format!("{test}\n"));
            return;
        }
        let text = self.text(event);
        if !text.is_empty() {
            self.clear_progress(output);
            let fails = matches!(event, Event::Failure { .. });
            if fails && self.failed {
                output.stderr.write("\n");
            }
            self.failed = fails;
            output.stderr.write(&text);
        }
    }

    fn text(&self, event: &Event) -> String {
        let quiet = self.options.verbosity == Verbosity::Quiet;
        match event {
            Event::Status { verb, message } if !quiet => status(verb, GREEN, message),
            Event::Exposed { name, member, port, address } if !quiet => {
                let of = format!("{member}.{port}");
                let whose = if *name == of { String::new() } else { format!(" ({of})") };
                status("Exposed", GREEN, &format!("{name} at {address}{whose}"))
            }
            Event::Note { message } if !quiet => message.lines().map(|line| format!("{DIM}{line}{DIM:#}\n")).collect(),
            Event::Warning { message } => format!("{YELLOW}warning{YELLOW:#}: {message}\n"),
            Event::Diagnostic { rendered, .. } => format!("{}\n\n", rendered.trim_end_matches('\n')),
            Event::Artifact { source, executable, fresh, .. } if self.options.verbosity == Verbosity::Verbose => {
                let verb = if *fresh { "Fresh" } else { "Built" };
                status(verb, GREEN, &format!("{source} ({executable})"))
            }
            Event::Plan { deployment, start, links } if !quiet && self.shows_services() => {
                plan(deployment, start, links)
            }
            Event::Changes { .. } if !quiet && self.shows_services() => changes(event),
            Event::Service { service, state } => self.service(service, state, quiet),
            Event::GaveUp { group, service } => {
                let (what, key) = match group {
                    Some(group) => (format!("the group `{group}`"), format!("[groups.{group}]")),
                    None => ("the deployment".to_owned(), "[supervision]".to_owned()),
                };
                format!(
                    "{YELLOW}warning{YELLOW:#}: {what} stops: `{service}` ended once more than the `intensity` of `{key}` bears\n"
                )
            }
            Event::TestStarted { test } if self.options.verbosity == Verbosity::Verbose => status("START", CYAN, test),
            Event::TestFinished { test, status, seconds, output } => {
                test_finished(test, *status, *seconds, output, quiet)
            }
            Event::TestSummary { passed, failed, skipped, seconds } => {
                test_summary(*passed, *failed, *skipped, *seconds)
            }
            Event::Failure { message, origin, causes, hint, .. } => {
                failure(message, origin.as_deref(), causes, hint.as_deref())
            }
            _ => String::new(),
        }
    }

    fn service(&self, service: &str, state: &ServiceState, quiet: bool) -> String {
        match state {
            ServiceState::Started { pid, address } if !quiet && self.shows_services() => {
                let place = address.as_ref().map_or(String::new(), |address| format!(" at {address}"));
                status("Started", GREEN, &format!("{service}{place} (pid {pid})"))
            }
            ServiceState::Exited { code: Some(0), expected: false, .. } if !quiet && self.shows_services() => {
                status("Finished", GREEN, service)
            }
            ServiceState::Exited { expected: true, .. } if !quiet && self.shows_services() => {
                status("Stopped", GREEN, service)
            }
            ServiceState::Unhealthy { failures, expected } => {
                let often = if *failures == 1 { String::new() } else { format!(" ({failures} times in a row)") };
                format!(
                    "{YELLOW}warning{YELLOW:#}: `{service}` is not well any more and is ended: waited for {expected}{often}\n"
                )
            }
            ServiceState::Paused { pause_ms, restarts } => {
                let pause = Duration::from_millis(*pause_ms);
                format!(
                    "{YELLOW}warning{YELLOW:#}: `{service}` ends again and again ({restarts} times in a row); it is started again in {pause:?}\n"
                )
            }
            ServiceState::Exited { code, signal, expected: false } if *code != Some(0) && self.shows_services() => {
                format!("{YELLOW}warning{YELLOW:#}: `{service}` {}\n", how_it_ended(*code, *signal))
            }
            _ => String::new(),
        }
    }

    fn shows_services(&self) -> bool {
        self.options.services == Services::Shown || self.options.verbosity == Verbosity::Verbose
    }

    fn learn_names(&mut self, event: &Event) {
        let mut learn = |name: &str| self.prefix = self.prefix.max(name.chars().count());
        match event {
            Event::Plan { start, .. } => {
                for planned in start {
                    match planned.members {
                        0 | 1 => learn(&planned.service),
                        members => learn(&format!("{}.{}", planned.service, members - 1)),
                    }
                }
            }
            Event::Service { service, .. } | Event::Log { service, .. } => learn(service),
            _ => {}
        }
    }

    fn log(&mut self, output: &mut Output, service: &str, stream: LogStream, line: &str) {
        if !self.shows_services() || self.hides_logs {
            return;
        }
        self.clear_progress(output);
        let hue = hue(service);
        let text = match stream {
            LogStream::Stdout => format!("{hue}{service:>width$} │{hue:#} {line}\n", width = self.prefix),
            LogStream::Stderr => {
                format!("{hue}{service:>width$}{hue:#} {YELLOW}!{YELLOW:#} {line}\n", width = self.prefix)
            }
        };
        // With a script at work, stdout is the script's.
        match self.options.services {
            Services::Shown => output.stdout.write(&text),
            Services::LeftToScript => output.stderr.write(&text),
        }
    }

    pub(super) fn shows_progress(&self, output: &Output) -> bool {
        output.stderr.terminal && self.options.verbosity != Verbosity::Quiet
    }

    fn progress(&mut self, output: &mut Output, message: &str) {
        if !self.shows_progress(output) {
            return;
        }
        self.clear_progress(output);
        let line: String = message.lines().next().unwrap_or_default().chars().take(PROGRESS_COLUMNS).collect();
        output.stderr.write(&format!("{DIM}{line}{DIM:#}"));
        self.in_progress = true;
    }

    pub(super) fn clear_progress(&mut self, output: &mut Output) {
        if std::mem::take(&mut self.in_progress) {
            // Spaces rather than an escape: this must work without colours too.
            output.stderr.write(&format!("\r{:PROGRESS_COLUMNS$}\r", ""));
        }
    }
}

fn status(verb: &str, style: Style, message: &str) -> String {
    format!("{style}{verb:>VERB_COLUMNS$}{style:#} {message}\n")
}

fn plan(deployment: &str, start: &[PlannedService], links: &[LinkEvent]) -> String {
    let mut text = status("Deploying", GREEN, deployment);
    let widest =
        |column: fn(&PlannedService) -> &str| start.iter().map(|s| column(s).chars().count()).max().unwrap_or(0);
    let (names, machines) = (widest(|s| &s.service), widest(|s| &s.machine));
    for PlannedService { service, members, machine, program, target } in start {
        let _ = write!(text, "{:VERB_COLUMNS$} {service:names$}  {machine:machines$}  {program}", "");
        if let Some(target) = target {
            let _ = write!(text, " ({target})");
        }
        text.push_str(&if *members > 1 { format!(" × {members}\n") } else { "\n".to_owned() });
    }
    let senders = links.iter().map(|link| link.from.chars().count()).max().unwrap_or(0);
    for LinkEvent { from, to } in links {
        let _ = writeln!(text, "{:VERB_COLUMNS$} {from:senders$} → {to}", "");
    }
    text
}

/// Lists what a release changes, one line each; what stays is not mentioned.
fn changes(event: &Event) -> String {
    let Event::Changes { deployment, start, stop, restart, rewire, link, unlink, supervision, targets } = event else {
        return String::new();
    };
    let mut text = status("Deploying", GREEN, deployment);
    let links = |links: &[LinkEvent]| links.iter().map(|LinkEvent { from, to }| format!("{from} → {to}")).collect();
    let kinds: [(&str, Style, Vec<String>, &str); 6] = [
        ("+", GREEN, start.clone(), "is started"),
        ("-", RED, stop.clone(), "is stopped"),
        ("~", YELLOW, restart.clone(), "is started again"),
        ("~", YELLOW, rewire.clone(), "is told of its peers"),
        ("+", GREEN, links(link), "is linked"),
        ("-", RED, links(unlink), "is unlinked"),
    ];
    let widest = kinds.iter().flat_map(|(_, _, names, _)| names).map(|name| name.chars().count()).max().unwrap_or(0);
    for (sign, style, names, what) in kinds {
        for name in names {
            let _ = write!(text, "{:VERB_COLUMNS$} {style}{sign}{style:#} {name:widest$}  {what}", "");
            // `service`, `service.1`, or `service (what is different)`.
            let service = name.split(['.', ' ']).next().filter(|_| what.starts_with("is started"));
            let target = service.and_then(|service| targets.get(service));
            text.push_str(&target.map_or("\n".to_owned(), |target| format!(" ({target})\n")));
        }
    }
    if *supervision {
        let _ = writeln!(text, "{:VERB_COLUMNS$} {YELLOW}~{YELLOW:#} services are kept up in another way", "");
    } else if widest == 0 {
        let _ = writeln!(text, "{:VERB_COLUMNS$} nothing changes", "");
    }
    text
}

fn how_it_ended(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

fn test_finished(test: &str, status: TestStatus, seconds: f64, output: &str, quiet: bool) -> String {
    let (verb, style) = match status {
        TestStatus::Pass if quiet => return String::new(),
        TestStatus::Pass => ("PASS", GREEN),
        TestStatus::Fail => ("FAIL", RED),
    };
    let mut text = self::status(verb, style, &format!("[{seconds:>8.3}s] {test}"));
    if status == TestStatus::Fail {
        for line in output.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

fn test_summary(passed: usize, failed: usize, skipped: usize, seconds: f64) -> String {
    let style = if failed == 0 { GREEN } else { RED };
    let run = passed + failed;
    let tests = if run == 1 { "test" } else { "tests" };
    let mut message = format!("[{seconds:>8.3}s] {run} {tests} run: {passed} passed");
    for (count, word) in [(failed, "failed"), (skipped, "skipped")] {
        if count > 0 {
            let _ = write!(message, ", {count} {word}");
        }
    }
    status("Summary", style, &message)
}

fn failure(message: &str, origin: Option<&str>, causes: &[String], hint: Option<&str>) -> String {
    let mut text = format!("{RED}error{RED:#}: {message}\n");
    if let Some(origin) = origin {
        let _ = writeln!(text, "  {BLUE}-->{BLUE:#} {origin}");
    }
    if !causes.is_empty() {
        text.push_str("\nCaused by:\n");
        for line in causes.iter().flat_map(|cause| cause.lines()) {
            let _ = writeln!(text, "  {line}");
        }
    }
    if let Some(hint) = hint {
        let gap = if causes.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{CYAN}hint{CYAN:#}: {hint}");
    }
    text
}

/// Members share the colour of their service.
fn hue(service: &str) -> Style {
    let base = match service.rsplit_once('.') {
        Some((base, member)) if member.bytes().all(|byte| byte.is_ascii_digit()) => base,
        _ => service,
    };
    let hash = base
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let (red, green, blue) = HUES[(hash % HUES.len() as u64) as usize];
    Style::new().fg_color(Some(Color::Rgb(RgbColor(red, green, blue))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ExitCode, Failure, Origin, Reporter};

    fn told(options: ReportOptions, events: &[Event]) -> (String, String) {
        let (reporter, captured) = Reporter::captured(options);
        for event in events {
            reporter.emit(event);
        }
        (captured.stdout(), captured.stderr())
    }

    fn log(service: &str, stream: LogStream, line: &str) -> Event {
        Event::Log { service: service.into(), stream, line: line.into() }
    }

    fn two_services() -> Event {
        let planned = |service: &str, members| PlannedService {
            service: service.into(),
            members,
            machine: "localhost".into(),
            program: format!("src/{service}.hf"),
            target: None,
        };
        Event::Plan {
            deployment: "echo".into(),
            start: vec![planned("server", 1), planned("client", 12)],
            links: vec![LinkEvent { from: "client.out".into(), to: "server.inbound".into() }],
        }
    }

    #[test]
    fn a_deployment_reads_like_cargo() {
        let started = ServiceState::Started { pid: 7, address: Some("127.0.0.1:4000".into()) };
        let (stdout, stderr) = told(
            ReportOptions::default(),
            &[
                Event::Status { verb: "Building".into(), message: "2 programs".into() },
                two_services(),
                Event::Service { service: "server".into(), state: started },
                log("server", LogStream::Stdout, "hello"),
                log("client.11", LogStream::Stderr, "oh"),
                Event::Service {
                    service: "client.11".into(),
                    state: ServiceState::Exited { code: None, signal: Some(9), expected: false },
                },
            ],
        );
        assert_eq!(stdout, "   server │ hello\nclient.11 ! oh\n");
        let expected = "    Building 2 programs
   Deploying echo
             server  localhost  src/server.hf
             client  localhost  src/client.hf × 12
             client.out → server.inbound
     Started server at 127.0.0.1:4000 (pid 7)
warning: `client.11` was killed by signal 9
";
        assert_eq!(stderr, expected);
    }

    #[test]
    fn scripts_keep_stdout_for_themselves() {
        let events = [log("a", LogStream::Stdout, "x")];
        let quiet = ReportOptions { services: Services::LeftToScript, ..Default::default() };
        assert_eq!(told(quiet, &events), (String::new(), String::new()));
        let verbose = ReportOptions { verbosity: Verbosity::Verbose, ..quiet };
        assert_eq!(told(verbose, &events), (String::new(), "a │ x\n".into()));
    }

    #[test]
    fn a_failure_says_what_where_why_and_the_next_step() {
        let (reporter, captured) = Reporter::captured(ReportOptions::default());
        let failure = Failure::new(ExitCode::DeployFailed, "`server` exited with code 3")
            .at(Origin::line("Hydro.toml", 4))
            .cause("last lines:\nboom")
            .hint("look at its log");
        reporter.failure(&failure);
        let expected = "error: `server` exited with code 3
  --> Hydro.toml:4

Caused by:
  last lines:
  boom

hint: look at its log
";
        assert_eq!(captured.stderr(), expected);
        reporter.failure(&Failure::new(ExitCode::DeployFailed, "and more"));
        assert_eq!(captured.stderr(), format!("{expected}\nerror: and more\n"));
    }

    #[test]
    fn tests_are_told_like_nextest() {
        let finished = |status, output: &str| Event::TestFinished {
            test: "tests/echo.hydro.py::test_x".into(),
            status,
            seconds: 0.4211,
            output: output.into(),
        };
        let events = [
            finished(TestStatus::Pass, ""),
            finished(TestStatus::Fail, "line 3"),
            Event::TestSummary { passed: 1, failed: 1, skipped: 2, seconds: 1.0 },
        ];
        let expected = "        PASS [   0.421s] tests/echo.hydro.py::test_x
        FAIL [   0.421s] tests/echo.hydro.py::test_x
    line 3
     Summary [   1.000s] 2 tests run: 1 passed, 1 failed, 2 skipped
";
        assert_eq!(told(ReportOptions::default(), &events).1, expected);
        let quiet = ReportOptions { verbosity: Verbosity::Quiet, ..Default::default() };
        assert!(!told(quiet, &events).1.contains("PASS"));
    }

    #[test]
    fn members_share_a_colour() {
        assert_eq!(hue("client.0"), hue("client.11"));
        assert_eq!(hue("client"), hue("client.11"));
    }
}
