//! Scripts under `kill -9`: of the script, and of the engine beside it, at any moment.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::rounds;
use crate::support::{Dice, Mark, Workspace};

const GONE: Duration = Duration::from_secs(15);

/// Starts, kills, restarts and scales without end; each service leaves a grandchild.
const SCRIPT: &str = r#"
from hydro import Deployment


async def main():
    for round in range(1000):
        async with Deployment() as deployment:
            sleeper = ["sh", "-c", "sleep 600 & exec sleep 600"]
            first = deployment.Command(sleeper, name="first", count=3)
            events = deployment.events()
            await deployment.deploy()
            await first[1].kill()
            await first.scale(2)
            deployment.Command(sleeper, name="second")
            await deployment.deploy()
            await first.restart()
            async for event in events:
                if event.kind == "released" and event.release == 3:
                    break
"#;

#[test]
fn a_script_that_is_killed_leaves_no_process_behind() {
    let manifest = "[package]\nname = \"field\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    let files = [("Cargo.toml", manifest), ("src/lib.rs", ""), ("killed.hydro.py", SCRIPT)];
    let workspace = Workspace::new("field-scripts", &files);
    let mut dice = Dice(23);
    for round in 0..rounds(8, 100) {
        let mark = Mark::new();
        let moment = Duration::from_micros(dice.below(1_500_000));
        let begun = Instant::now();
        let running = mark.on(workspace.hydro(["run", "killed.hydro.py"])).start();
        // The moment is what is tried here, not something that is waited for.
        while begun.elapsed() < moment {
            std::thread::sleep(Duration::from_millis(1));
        }
        let script = mark.processes().into_iter().find(|(_, line)| line.contains("/sdk-")).map(|(pid, _)| pid);
        let victim = script.filter(|_| round % 2 == 0).unwrap_or_else(|| running.pid());
        let pid = i32::try_from(victim).ok().and_then(Pid::from_raw).expect("a process id");
        // The script may have ended in this very moment; the engine is not waited for yet.
        let _ = kill_process(pid, Signal::KILL);
        let ended = running.finish(Duration::from_secs(60));
        assert_ne!(ended.code, 0, "round {round}: killed {moment:?} into it\n{ended}");
        mark.all_gone(GONE);
    }
}
