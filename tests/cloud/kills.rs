//! `kill -9` of whoever deploys to Google Cloud, at any moment: what it left is found by `down`, from what is on disk alone, and by `orphans`.

use std::time::{Duration, Instant};

use compute_emulator::PROJECT;
use rustix::process::{Pid, Signal, kill_process};

use crate::lab::{Vms, rounds};
use crate::support::{Dice, Mark, Workspace};

const GONE: Duration = Duration::from_secs(15);

/// Makes two machines, uses them, gives one up, and makes it again.
const SCRIPT: &str = r#"
from hydro import Deployment


async def main():
    deployment = Deployment("killed")
    machines = [deployment.GCPMachine(project="hydro-1234", zone="us-west1-a", type="e2-micro") for _ in range(2)]
    first = deployment.Command(["sleep", "600"], on=machines[0], name="first")
    deployment.Command(["sleep", "600"], on=machines[1], name="second")
    await deployment.deploy()
    print("deployed")
    await first.stop()
    await machines[0].terminate()
    print("terminated")
"#;

#[test]
fn whenever_the_engine_is_killed_down_leaves_nothing() {
    let Some(vms) = Vms::new(97, 2, Duration::from_millis(60)) else { return };
    let manifest = "[package]\nname = \"field\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("killed.hydro.py", SCRIPT)];
    let workspace = Workspace::new("field-cloud", &files);
    workspace.remove(".hydro");
    let call = |arguments: &[&str]| vms.call().arguments(arguments.iter().copied()).directory(workspace.root());
    let emulator = &vms.emulator;
    // How long all of it takes here, which the moments of death are spread over.
    let begun = Instant::now();
    call(&["run", "killed.hydro.py"]).run().exits(0).prints(&["deployed", "terminated"]);
    let whole = u64::try_from(begun.elapsed().as_micros()).expect("is short");
    assert_eq!((emulator.instances(), emulator.firewalls()), (Vec::new(), Vec::new()));
    let mut dice = Dice(41);
    let mut left = 0;
    for round in 0..rounds(6, 100) {
        let mark = Mark::new();
        let moment = Duration::from_micros(dice.below(whole));
        let begun = Instant::now();
        let running = mark.on(call(&["run", "killed.hydro.py"])).start();
        // The moment is what is tried here, not something that is waited for.
        while begun.elapsed() < moment {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The namespace's own command is the engine by now.
        if let Some(pid) = i32::try_from(running.pid()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        let ended = running.finish(Duration::from_secs(60));
        mark.all_gone(GONE);
        let what = format!("round {round}: killed {moment:?} of {whole} µs into it\n{ended}");
        let instances = emulator.instances();
        left += usize::from(!instances.is_empty());
        if round % 3 == 1 {
            let listed = call(&["orphans", "--project", PROJECT]).run().exits(0);
            assert!(instances.iter().all(|name| listed.stdout.contains(name.as_str())), "{what}\n{listed}");
        }
        if round % 3 == 2 {
            // The next run finds what the last one left, and uses it.
            let next = call(&["run", "killed.hydro.py"]).run();
            assert_eq!(next.code, 0, "{what}\n{next}");
        } else {
            let down = call(&["down"]).run();
            assert_eq!(down.code, 0, "{what}\n{down}");
        }
        assert_eq!((emulator.instances(), emulator.firewalls()), (Vec::new(), Vec::new()), "{what}");
    }
    assert!(left > 0, "none of the deaths left a machine: the moments are chosen badly");
}
