//! The one way to tell the user something: events go in, text or JSON lines come out.
//!
//! Knows nothing of what the events are about; [`super::human`] and [`super::json`] decide how they look. Read [`Reporter`] first.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::human::Human;
use super::json::Json;
use super::{Event, Failure, Rendered};

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people: stderr, except what services write.
    #[default]
    Human,
    /// For programs: one event per line on stdout.
    Json,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only what went wrong, and data.
    Quiet,
    /// What cargo would tell.
    #[default]
    Normal,
    /// Also what was not necessary to do.
    Verbose,
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// Where the output is a terminal and `NO_COLOR` is not set.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// Never.
    Never,
}

/// What happens to the comings and goings of services, and to what they write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Services {
    /// All of it is shown.
    #[default]
    Shown,
    /// It is left to a script; shown only with `-v`, and then on stderr.
    LeftToScript,
}

/// How a [`Reporter`] tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportOptions {
    /// Text or JSON.
    pub format: Format,
    /// How much.
    pub verbosity: Verbosity,
    /// With colours or without.
    pub color: Color,
    /// What happens to the services' affairs.
    pub services: Services,
}

/// Where output ends up; errors (a closed pipe) silence it, they are nobody's business.
pub(super) struct Sink {
    writer: Option<Box<dyn Write + Send>>,
    pub(super) color: bool,
    pub(super) terminal: bool,
}

impl Sink {
    fn new(writer: impl Write + Send + 'static, terminal: bool, color: bool) -> Self {
        Self { writer: Some(Box::new(writer)), color, terminal }
    }

    pub(super) fn write(&mut self, text: &str) {
        let Some(writer) = &mut self.writer else { return };
        let written = if self.color {
            writer.write_all(text.as_bytes())
        } else {
            write!(writer, "{}", anstream::adapter::strip_str(text))
        };
        if written.and_then(|()| writer.flush()).is_err() {
            self.writer = None;
        }
    }
}

/// The two streams of the command.
pub(super) struct Output {
    pub(super) stdout: Sink,
    pub(super) stderr: Sink,
}

enum Renderer {
    Human(Human),
    Json(Json),
}

struct State {
    output: Output,
    renderer: Renderer,
}

/// Tells the user what happens. Cheap to clone; all clones write to the same place, whole lines at a time.
#[derive(Clone)]
pub struct Reporter {
    options: ReportOptions,
    color: bool,
    diagnostics: bool,
    state: Arc<Mutex<State>>,
    listener: Option<Listener>,
}

/// Hears every event that is told.
#[derive(Clone)]
struct Listener(Arc<dyn Fn(&Event) + Send + Sync>);

impl Reporter {
    /// Makes a reporter that writes to this process' stdout and stderr.
    #[must_use]
    pub fn new(options: ReportOptions) -> Self {
        let choose = |auto: anstream::ColorChoice| match options.color {
            Color::Auto => auto != anstream::ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        let stdout = std::io::stdout();
        let stderr = std::io::stderr();
        let (out_color, err_color) =
            (choose(anstream::AutoStream::choice(&stdout)), choose(anstream::AutoStream::choice(&stderr)));
        let (out_terminal, err_terminal) = (stdout.is_terminal(), stderr.is_terminal());
        let output = Output {
            stdout: Sink::new(stdout, out_terminal, out_color),
            stderr: Sink::new(stderr, err_terminal, err_color),
        };
        Self::with_output(options, output)
    }

    /// Makes a reporter that writes nowhere but into the returned texts; without colours.
    #[must_use]
    pub fn captured(options: ReportOptions) -> (Self, Captured) {
        let captured = Captured::default();
        let output = Output {
            stdout: Sink::new(captured.stdout.clone(), false, false),
            stderr: Sink::new(captured.stderr.clone(), false, false),
        };
        (Self::with_output(options, output), captured)
    }

    fn with_output(options: ReportOptions, output: Output) -> Self {
        let renderer = match options.format {
            Format::Human => Renderer::Human(Human::new(options)),
            Format::Json => Renderer::Json(Json::new(options)),
        };
        let color = output.stderr.color && options.format == Format::Human;
        Self {
            options,
            color,
            diagnostics: true,
            state: Arc::new(Mutex::new(State { output, renderer })),
            listener: None,
        }
    }

    /// Tells one event.
    pub fn emit(&self, event: &Event) {
        if !self.diagnostics && matches!(event, Event::Diagnostic { .. }) {
            return;
        }
        if let Some(Listener(hear)) = &self.listener {
            hear(event);
        }
        let mut state = self.lock();
        let State { output, renderer } = &mut *state;
        match renderer {
            Renderer::Human(human) => human.emit(output, event),
            Renderer::Json(json) => json.emit(output, event),
        }
    }

    /// Makes a reporter that writes nowhere; for a process without a terminal whose events somebody else hears.
    #[must_use]
    pub fn silent(options: ReportOptions) -> Self {
        let nowhere = || Sink::new(std::io::sink(), false, false);
        Self::with_output(options, Output { stdout: nowhere(), stderr: nowhere() })
    }

    /// Returns a reporter to the same place whose events, and those of its clones, are also heard here. It is called on whatever thread tells, and must be quick.
    #[must_use]
    pub fn heard_by(&self, hear: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { listener: Some(Listener(Arc::new(hear))), ..self.clone() }
    }

    /// Returns a reporter to the same place that keeps diagnostics to itself; for attempts whose failure is no failure.
    #[must_use]
    pub fn without_diagnostics(&self) -> Self {
        Self { diagnostics: false, ..self.clone() }
    }

    /// Tells that work goes on: a verb of the house and what it is applied to.
    pub fn status(&self, verb: &'static str, message: impl Into<String>) {
        self.emit(&Event::Status { verb: verb.into(), message: message.into() });
    }

    /// Tells something doubtful.
    pub fn warning(&self, message: impl Into<String>) {
        self.emit(&Event::Warning { message: message.into() });
    }

    /// Tells why the command ends: diagnostics that were rendered already, then the failure itself.
    pub fn failure(&self, failure: &Failure) {
        for Rendered { text, message } in &failure.rendered {
            self.emit(&Event::Diagnostic { rendered: text.clone(), message: message.clone() });
        }
        self.emit(&Event::from(failure));
    }

    /// Writes data that was asked for (a graph, a crate, a plan) to stdout as it is.
    pub fn data(&self, text: &str) {
        let mut state = self.lock();
        let State { output, renderer } = &mut *state;
        if let Renderer::Human(human) = renderer {
            human.clear_progress(output);
        }
        state.output.stdout.write(text);
        if !text.ends_with('\n') {
            state.output.stdout.write("\n");
        }
    }

    /// Shows what services write, or no longer shows it; whoever hears events hears it all the same. Returns whether it is shown now.
    #[must_use]
    pub fn toggle_logs(&self) -> bool {
        match &mut self.lock().renderer {
            Renderer::Human(human) => human.toggle_logs(),
            // Programs choose for themselves what they read.
            Renderer::Json(_) => true,
        }
    }

    /// Whether passing work is shown: a person sits at a terminal.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        let state = self.lock();
        matches!(&state.renderer, Renderer::Human(human) if human.shows_progress(&state.output))
    }

    /// Returns how it tells.
    #[must_use]
    pub fn options(&self) -> ReportOptions {
        self.options
    }

    /// Returns how much is told.
    #[must_use]
    pub fn verbosity(&self) -> Verbosity {
        self.options.verbosity
    }

    /// Returns the format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.options.format
    }

    /// Whether texts that are rendered elsewhere (diagnostics) should have colours.
    #[must_use]
    pub fn color(&self) -> bool {
        self.color
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("options", &self.options).finish_non_exhaustive()
    }
}

impl From<&Failure> for Event {
    fn from(failure: &Failure) -> Self {
        Self::Failure {
            message: failure.message.clone(),
            origin: failure.origin.as_ref().map(ToString::to_string),
            causes: failure.causes.clone(),
            hint: failure.hint.clone(),
            code: failure.code as u8,
        }
    }
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a captured [`Reporter`] has written.
#[derive(Clone, Default)]
pub struct Captured {
    stdout: Buffer,
    stderr: Buffer,
}

impl Captured {
    /// Returns what went to stdout so far.
    #[must_use]
    pub fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// Returns what went to stderr so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ExitCode, Origin};

    #[test]
    fn a_closed_pipe_silences_and_never_panics() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        for format in [Format::Human, Format::Json] {
            let output = Output { stdout: Sink::new(Closed, true, true), stderr: Sink::new(Closed, true, true) };
            let reporter = Reporter::with_output(ReportOptions { format, ..Default::default() }, output);
            reporter.status("Building", "echo");
            reporter.emit(&Event::Progress { message: "2 of 3".into() });
            reporter.failure(&Failure::new(ExitCode::DeployFailed, "no").at(Origin::line("Hydro.toml", 3)));
        }
    }

    #[test]
    fn an_attempt_keeps_its_diagnostics_to_itself() {
        let (reporter, captured) = Reporter::captured(ReportOptions::default());
        let attempt = reporter.without_diagnostics();
        attempt.emit(&Event::Diagnostic { rendered: "error: x".into(), message: serde_json::Value::Null });
        attempt.status("Building", "echo");
        assert_eq!(captured.stderr(), "    Building echo\n");
    }

    #[test]
    fn a_failure_shows_its_diagnostics_first() {
        let (reporter, captured) = Reporter::captured(ReportOptions::default());
        reporter.failure(&Failure::new(ExitCode::BuildFailed, "could not build `a.hf`").rendered("error[HF0001]: x\n"));
        assert_eq!(captured.stderr(), "error[HF0001]: x\n\nerror: could not build `a.hf`\n");
        assert_eq!(captured.stdout(), "");
    }
}
