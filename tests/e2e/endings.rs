//! However the command ends, nothing it started goes on.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::support::{Mark, Running, eventually, programs};

const END: Duration = Duration::from_secs(30);
/// What the command promises for its own violent end.
const GONE: Duration = Duration::from_secs(2);

const TOML: &str = "[deployment]\nname = \"ending\"\n\n[services.ticker]\nsrc = \"src/ticker.hf\"\n\n[services.counter]\nsrc = \"src/counter.hf\"\n\n[services.beside]\ncommand = [\"sh\", \"-c\", \"sleep 600\"]\n\n[[links]]\nfrom = \"ticker.out\"\nto = \"counter.numbers\"\n";

const SCRIPT: &str = "from hydro import Deployment


async def main():
    deployment = Deployment()
    ticker = deployment.Hydroflow(src=\"src/ticker.hf\")
    counter = deployment.Hydroflow(src=\"src/counter.hf\")
    deployment.Command(\"sh\", \"-c\", \"sleep 600\")
    ticker.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    try:
        async for line in counter.stdout():
            print(line)
    finally:
        print(\"cleaned up\")
";

/// Starts a script that runs until it is ended, and waits until its services talk.
fn script(name: &str, mark: &Mark) -> Running {
    let running = mark.on(programs().script(name, SCRIPT)).start();
    running.prints(" numbers, sum ");
    // The command, its guardian, python, two programs, a shell and its child.
    eventually("all processes run", || mark.processes().len() >= 7);
    running
}

#[test]
fn killing_a_script_run_leaves_nothing() {
    let mark = Mark::new();
    let running = script("killed", &mark);
    running.signal(Signal::KILL);
    mark.all_gone(GONE);
    running.finish(END).exits(-9);
}

#[test]
fn killing_a_deployment_leaves_nothing() {
    let deployed = programs().with(TOML, &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.prints(" numbers, sum ");
    running.signal(Signal::KILL);
    mark.all_gone(GONE);
    running.finish(END).exits(-9);
}

#[test]
fn ctrl_c_ends_a_script_run_in_order() {
    let mark = Mark::new();
    let running = script("interrupted", &mark);
    running.interrupt();
    let output = running.finish(END).exits(130).prints(&["cleaned up\n"]);
    assert!(!output.stderr.contains("Traceback"), "{output}");
    mark.all_gone(GONE);
}

#[test]
fn a_signal_to_the_command_alone_ends_all_too() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mark = Mark::new();
        let running = script(&format!("signalled-{code}"), &mark);
        running.signal(signal);
        running.finish(END).exits(code).prints(&["cleaned up\n"]);
        mark.all_gone(GONE);
    }
}

#[test]
fn a_second_ctrl_c_does_not_wait() {
    let mark = Mark::new();
    let stubborn =
        SCRIPT.replace("print(\"cleaned up\")", "print(\"cleaning up\")\n        import time\n        time.sleep(600)");
    let running = mark.on(programs().script("stubborn", &stubborn)).start();
    running.prints(" numbers, sum ");
    running.interrupt();
    running.prints("cleaning up");
    let began = Instant::now();
    // Two signals that come close together are one to the system, so an impatient user presses again.
    while mark.processes().contains_key(&running.pid()) {
        running.interrupt();
        std::thread::sleep(Duration::from_millis(200));
    }
    running.finish(END).exits(130);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    mark.all_gone(GONE);
}

#[test]
fn ctrl_c_while_services_start() {
    let deployed = programs().with(TOML, &[]);
    let mark = Mark::new();
    let running = mark.on(deployed.hydro(["deploy"])).start();
    running.says("Started ");
    running.interrupt();
    running.finish(END).exits(130);
    mark.all_gone(GONE);
}

#[test]
fn two_runs_of_one_deployment_do_not_meet() {
    // What a terminal holds nobody else can, by the same name; under another, what runs is another deployment.
    let script = |name: &str| {
        format!(
            "from hydro import Deployment\n\nasync def main():\n    deployment = Deployment({name})\n    ticker = deployment.Hydroflow(src=\"src/ticker.hf\", name=\"ticker\")\n    counter = deployment.Hydroflow(src=\"src/counter.hf\", name=\"counter\")\n    ticker.ports.out.connect(counter.ports.numbers)\n    await deployment.deploy()\n    async for line in counter.stdout():\n        print(\"counter │\", line, flush=True)\n"
        )
    };
    let (same, other) = (script("\"ending\""), script("\"another\""));
    let deployed = programs().with(TOML, &[("same.hydro.py", &same), ("twin.hydro.py", &other)]);
    let (one, two) = (Mark::new(), Mark::new());
    let first = one.on(deployed.hydro(["deploy"])).start();
    first.says("Started counter");
    deployed.hydro(["run", "same.hydro.py"]).run().exits(1).says(&["`ending` is run by somebody else"]);
    let second = two.on(deployed.hydro(["run", "twin.hydro.py"])).start();
    let counts = |count: u32| format!("counter │ {count} numbers, sum {}", count * (count - 1) / 2);
    // Each counter hears its own ticker alone: any stranger's number would spoil the sums.
    for running in [&first, &second] {
        running
            .until("the counter counts", |output| (5..).take(50).any(|count| output.stdout.contains(&counts(count))));
    }
    first.interrupt();
    first.finish(END).exits(130);
    one.all_gone(GONE);
    assert!(two.processes().len() >= 5, "the other goes on");
    second.interrupt();
    second.finish(END).exits(130);
    two.all_gone(GONE);
}
