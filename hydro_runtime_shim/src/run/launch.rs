//! The `main` of every generated program.

use std::fmt::Display;
use std::io::Write as _;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use dfir_rs::scheduled::context::{Context, Dfir, DfirErased};
use tokio::task::LocalSet;

use super::seat::Seat;
use super::stop::StopSignal;
use super::{Attached, attach, drain};
use crate::admin::{self, About, AdminSocket, Control};
use crate::bind::{self, BindError, Bindings, Configuration, Program, Request};
use crate::link::{self, Copying, MemberId, Node, ProcessId, note};
use crate::transport::Inherited;

/// Exit code of a program that was started wrongly.
const BAD_ENVIRONMENT: u8 = 2;
/// What the last items may take to get out.
const FLUSH_TIME: Duration = Duration::from_secs(5);

/// How often the threads that write to standard output are looked at then.
const LOOK: Duration = Duration::from_millis(1);

/// Makes the dataflow of the bindings.
type Setup<'a> = Box<dyn FnOnce(&mut Bindings) -> Result<DfirErased, BindError> + 'a>;

/// Runs a program: what generated code's `main` consists of. `setup` makes the dataflow of the bindings.
///
/// Behind this function nothing depends on the program any more, so that a program's own build does not compile the run loop again.
pub fn run<'a, Tick>(
    program: &'static Program,
    setup: impl FnOnce(&mut Bindings) -> Result<Dfir<Tick>, BindError> + 'a,
) -> ExitCode
where
    Tick: 'static + for<'c> AsyncFnMut(&'c mut Context) -> bool,
{
    run_erased(program, Box::new(move |bindings| setup(bindings).map(Dfir::into_erased)))
}

fn run_erased(program: &'static Program, setup: Setup<'_>) -> ExitCode {
    let mut seat = Seat::take();
    let flags = match bind::read_arguments(program, &seat.environment.arguments) {
        Ok(Request::Run(flags)) => flags,
        Ok(Request::Help) => return print(bind::help(program)),
        Ok(Request::Version) => return print(bind::version(program)),
        Ok(Request::Describe) => {
            return match serde_json::to_string(&bind::describe(program)) {
                Ok(line) => print(line),
                Err(error) => {
                    let error = BindError::System { action: "describe the program", reason: error.to_string() };
                    fail(program, &seat, &[error])
                }
            };
        }
        Err(errors) => {
            // The environment's mistakes as well: who mends the line shall not be told of them afterwards.
            let others = Configuration::read(program, &seat.environment, Default::default()).err().unwrap_or_default();
            let unset = |error: &BindError| !matches!(error, BindError::Missing { .. });
            return fail(program, &seat, &[errors, others.into_iter().filter(unset).collect()].concat());
        }
    };
    let configuration = match Configuration::read(program, &seat.environment, flags) {
        Ok(configuration) => configuration,
        Err(errors) => return fail(program, &seat, &errors),
    };
    let admin = configuration.admin.as_deref().map(AdminSocket::open).transpose();
    let started = seat.inherited(&configuration).and_then(|inherited| {
        let admin = admin?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| BindError::System { action: "start", reason: error.to_string() })?;
        let stop = seat.stop()?;
        LocalSet::new().block_on(&runtime, live(program, configuration, Outside { inherited, stop, admin }, setup))
    });
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(program, &seat, &[error]),
    }
}

/// What a program has of the world before its dataflow is there.
struct Outside {
    inherited: Vec<Inherited>,
    stop: StopSignal,
    admin: Option<AdminSocket>,
}

async fn live(
    program: &'static Program,
    mut configuration: Configuration,
    outside: Outside,
    setup: Setup<'_>,
) -> Result<(), BindError> {
    for stranger in &configuration.strangers {
        note(format_args!("{stranger}"));
    }
    let (node, waiting) = (node(&configuration), configuration.waiting);
    if let Some(credentials) = configuration.credentials.take() {
        // It is a new one.
        let _ = node.credentials.set(credentials);
    }
    if outside.admin.is_some() {
        node.meters.clock.start();
    }
    link::be(&node);
    let mut bindings = Bindings::new(program, Rc::clone(&node), configuration);
    let mut dataflow = setup(&mut bindings)?;
    let attached = attach(&node, bindings, outside.inherited).await?;
    if let Some(socket) = &outside.admin {
        open_admin(program, socket, &node, &attached, &outside.stop)?;
    }
    let stop = outside.stop.requested();
    drain::run_until(&mut dataflow, waiting, &node, stop, || attached.stop_accepting()).await;
    link::leave(&node, &attached.ports, FLUSH_TIME).await;
    let said = async {
        while !attached.copying.iter().all(Copying::is_finished) {
            tokio::time::sleep(LOOK).await;
        }
    };
    let _ = tokio::time::timeout(FLUSH_TIME, said).await;
    Ok(())
}

/// Lets the program be asked and told things while it runs.
fn open_admin(
    program: &'static Program,
    socket: &AdminSocket,
    node: &Rc<Node>,
    attached: &Attached,
    stop: &StopSignal,
) -> Result<(), BindError> {
    let about = About {
        program: program.name,
        deployment: node.deployment.clone(),
        service: node.process.service.clone(),
        member: node.process.member.0,
        meters: Arc::clone(&node.meters),
        stop: stop.asked(),
    };
    let wishes = admin::serve(socket, about)?;
    let control = Control { node: Rc::clone(node), ports: attached.ports.clone(), calls: Rc::clone(&attached.calls) };
    tokio::task::spawn_local(admin::obey(control, wishes));
    Ok(())
}

fn node(configuration: &Configuration) -> Rc<Node> {
    let process =
        ProcessId { service: configuration.service.clone(), member: MemberId(configuration.member), epoch: epoch() };
    Node::new(
        configuration.deployment.clone(),
        process,
        configuration.named,
        configuration.members,
        configuration.address,
    )
}

/// Returns a number that another start of the program does not have, and that later starts exceed.
fn epoch() -> u64 {
    // Two processes that start in the same microsecond differ in their ids.
    link::now_nanos() & !0x3ff | u64::from(std::process::id() & 0x3ff)
}

fn print(text: impl Display) -> ExitCode {
    // A reader that has seen enough (`--help | head`) is no failure of ours.
    let _ = writeln!(std::io::stdout().lock(), "{}", text.to_string().trim_end());
    ExitCode::SUCCESS
}

fn fail(program: &Program, seat: &Seat, errors: &[BindError]) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let whose = seat.name().map_or(String::new(), |name| format!("`{name}`: "));
    for error in errors {
        let _ = writeln!(stderr, "error: {whose}{error}");
    }
    let _ = writeln!(stderr, "`{} --help` lists ports, parameters and variables", program.name);
    drop(stderr);
    seat.fail(BAD_ENVIRONMENT)
}
