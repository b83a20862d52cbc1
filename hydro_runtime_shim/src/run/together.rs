//! The `main` of several programs in one process: a thread for each, and their orderly end.
//!
//! Knows the programs only as functions. Senders end first, as they do in processes of their own; a panic ends the process.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::seat::Seat;
use super::stop::StopSignal;
use crate::bind::{self, BindError, Environment, nearest};
use crate::contract::{self, COLOCATED, Colocated};
use crate::link;

/// Exit code of a process that was started wrongly.
const BAD_ENVIRONMENT: u8 = 2;
/// Exit code of a process one of whose threads panicked, as Rust has it.
const PANICKED: i32 = 101;
/// The stack of a program's thread: what the main thread of a process has.
const STACK_BYTES: usize = 8 << 20;
/// What all programs but the last may take to end, one after the other; then the next ones are asked as well. Less than a deployer waits.
const ORDER_TIME: Duration = Duration::from_secs(3);

/// A program: its `.hf` file and its `main`.
type Main = (&'static str, fn() -> ExitCode);

/// Runs those of the programs that the environment names, each on a thread of its own.
pub fn run_together(programs: &[Main]) -> ExitCode {
    let environment = Environment::of_process();
    if environment.arguments.iter().any(|argument| bind::asks(argument)) {
        return inform(programs, &environment.arguments);
    }
    let started = read(programs, &environment).and_then(|all| start(all, &environment).map_err(|error| vec![error]));
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(errors) => {
            let mut stderr = std::io::stderr().lock();
            for error in errors {
                let _ = writeln!(stderr, "error: {error}");
            }
            ExitCode::from(BAD_ENVIRONMENT)
        }
    }
}

/// Lets each program tell what it is. The first argument that asks is answered by all.
fn inform(programs: &[Main], arguments: &[String]) -> ExitCode {
    for (_, main) in programs {
        main();
    }
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        let files: Vec<&str> = programs.iter().map(|(file, _)| *file).collect();
        let text = format!(
            "\nThese programs run in one process, each on a thread of its own. The variable {COLOCATED} says which, and gives each its own\n\
             arguments and variables, in the order of starting: a list in JSON\n    {}\nThey reach each other at queue:SERVICE/PORT. \
             {} belongs to the process. A panic of one ends the process.\nPrograms: {}",
            example(files.first().copied().unwrap_or_default()),
            contract::LISTEN_FDS,
            files.join(", "),
        );
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
    ExitCode::SUCCESS
}

fn example(file: &str) -> String {
    format!(r#"[{{"program": "{file}", "variables": {{"HYDRO_SERVICE": "a", "HYDRO_INPUT_X": "queue:a"}}}}]"#)
}

/// A program that is going to run.
struct Chosen {
    main: fn() -> ExitCode,
    one: Colocated,
}

fn read(programs: &[Main], environment: &Environment) -> Result<Vec<Chosen>, Vec<BindError>> {
    let example = format!("{COLOCATED}={}", example(programs.first().map_or("", |(file, _)| *file)));
    let malformed = |value: String, reason: String| BindError::Malformed {
        name: COLOCATED.to_owned(),
        value,
        reason,
        example: example.clone(),
    };
    let Some(text) = environment.get(COLOCATED) else {
        let purpose = "which of the programs in this process run, and with which variables?".to_owned();
        return Err(vec![BindError::Missing { name: COLOCATED.to_owned(), purpose, example }]);
    };
    let list: Vec<Colocated> =
        serde_json::from_str(text).map_err(|error| vec![malformed(text.to_owned(), error.to_string())])?;
    if list.is_empty() {
        return Err(vec![malformed(text.to_owned(), "names no program".to_owned())]);
    }
    let (mut chosen, mut errors): (Vec<Chosen>, Vec<BindError>) = (Vec::new(), Vec::new());
    for one in list {
        if chosen.iter().any(|other| other.one.name() == one.name()) {
            errors.push(malformed(one.name(), "is there twice; give each its own HYDRO_SERVICE".to_owned()));
        }
        match programs.iter().find(|(file, _)| *file == one.program) {
            Some((_, main)) => chosen.push(Chosen { main: *main, one }),
            None => {
                let files = programs.iter().map(|(file, _)| (*file).to_owned());
                let hint =
                    nearest(&one.program, files).map_or(String::new(), |file| format!("; the nearest is `{file}`"));
                errors.push(malformed(one.program, format!("is no program of this process{hint}")));
            }
        }
    }
    if errors.is_empty() { Ok(chosen) } else { Err(errors) }
}

/// How a program's thread ended.
struct End {
    number: usize,
    panicked: bool,
}

fn start(chosen: Vec<Chosen>, environment: &Environment) -> Result<(), BindError> {
    let failed = |error: std::io::Error| BindError::System { action: "start", reason: error.to_string() };
    let inherited = Arc::new(Mutex::new(bind::take_inherited(environment)?));
    let whole = StopSignal::install()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let (ended, ends) = unbounded_channel();
    let mut stops = Vec::new();
    for (number, Chosen { main, one }) in chosen.into_iter().enumerate() {
        let (name, stop) = (one.name(), StopSignal::of_thread());
        let environment = Environment { arguments: one.arguments, variables: one.variables };
        let seat = Seat::shared(name.clone(), environment, Arc::clone(&inherited), stop.clone());
        let (ended, label) = (UnboundedSender::clone(&ended), name.clone());
        // A panic's message names the thread.
        let thread = std::thread::Builder::new().name(name).stack_size(STACK_BYTES);
        let run = move || {
            link::label(label);
            seat.give();
            let panicked = catch_unwind(AssertUnwindSafe(main)).is_err();
            let _ = ended.send(End { number, panicked });
        };
        thread.spawn(run).map_err(failed)?;
        stops.push(Some(stop));
    }
    runtime.block_on(attend(stops, ends, &whole));
    Ok(())
}

/// Waits until all have ended, and lets them end one after the other when the process is to stop. A stop is left in the list while its program runs.
async fn attend(mut stops: Vec<Option<StopSignal>>, mut ends: UnboundedReceiver<End>, whole: &StopSignal) {
    let pause = ORDER_TIME / u32::try_from(stops.len()).unwrap_or(u32::MAX);
    let mut asked = stops.len();
    let (mut stopping, mut next) = (false, tokio::time::Instant::now());
    while stops.iter().any(Option::is_some) {
        // The next one is asked when the one before has ended, or takes too long.
        let is_last_gone = stops.get(asked).is_none_or(Option::is_none);
        if stopping && asked > 0 && (is_last_gone || tokio::time::Instant::now() >= next) {
            asked -= 1;
            next = tokio::time::Instant::now() + pause;
            if let Some(stop) = &stops[asked] {
                stop.ask();
            }
            continue;
        }
        tokio::select! {
            end = ends.recv() => match end {
                Some(End { panicked: true, .. }) => end_process(),
                Some(End { number, .. }) => stops[number] = None,
                None => return,
            },
            () = whole.requested(), if !stopping => stopping = true,
            () = tokio::time::sleep_until(next), if stopping && asked > 0 => {}
        }
    }
}

fn end_process() -> ! {
    #[expect(clippy::exit, clippy::disallowed_methods, reason = "the other threads run programs that do not end")]
    std::process::exit(PANICKED);
}
