//! Services as units of systemd on machines that have it: started again by it, read in its journal, bounded by it, up again after a reboot.

use super::booted::USER;
use super::far::{COUNT, Far, service};
use super::hosts::{GONE, Hosts};
use crate::support::{eventually, programs};

/// Asserts that nothing is left of a deployment on a machine: no unit, no file of one, no process.
#[track_caller]
fn is_clean(far: &Far) {
    far.mark.all_gone(GONE);
    let left = "systemctl list-units --all --plain --no-legend 'hydro*'; ls /run/systemd/transient | grep hydro; \
                find /etc/systemd /run/systemd/system /home -name '*hydro-far*'; crontab -l 2>/dev/null; \
                ls .hydro/deployments /home/*/.hydro/deployments 2>/dev/null | grep far; pgrep -x hydro-host";
    let mut last = String::new();
    eventually("nothing is left there", || {
        last = far.hosts.on(1, left);
        last.is_empty()
    });
}

fn restarts(far: &Far, unit: &str) -> String {
    far.hosts.on(1, &format!("systemctl show --property=NRestarts --value {unit}")).trim().to_owned()
}

/// Counts the starts of `a` that its lines tell of. Lines of a holder's last second may come once more when it was killed.
fn begun(far: &Far) -> usize {
    far.run(["logs", "a"]).stdout.matches("begin").count()
}

#[test]
fn systemd_starts_services_again_also_after_a_reboot_with_nobody_connected() {
    let Some(hosts) = Hosts::with_systemd(40, 1) else { return };
    let mut far = Far::on("units", hosts);
    far.describe_with(&far.hosts.machine("one", 1), &service("a", "one", COUNT));
    let deployed = far.run(["deploy", "--detach"]).exits(0).says(&["Started a", "Deployed far"]);
    assert!(!deployed.stderr.contains("until somebody looks"), "{deployed}");
    eventually("its lines come here", || far.run(["logs", "a"]).stdout.contains("number 20"));
    assert!(
        far.hosts.on(1, "journalctl -u hydro-far.a --no-pager").contains("number 20"),
        "its unit's journal has them"
    );
    let pid = far.member("a")["pid"].clone();

    // Nobody is connected: systemd is enough.
    far.kill_holder();
    assert_eq!(restarts(&far, "hydro-far.a"), "0");
    far.hosts.on(1, &format!("kill -9 {pid}"));
    eventually("systemd has started it again", || restarts(&far, "hydro-far.a") == "1");
    eventually("it runs again", || begun(&far) >= 2);
    let before = begun(&far);
    far.hosts.lose_power(1);
    far.hosts.boot(1);
    let is_active = "systemctl is-active hydro-far.a hydro-far";
    eventually("both are up", || far.hosts.on(1, is_active) == "active\nactive\n");
    eventually("it was started again", || begun(&far) == before + 1);

    // The holder comes back, and another reboot, an orderly one.
    far.run(["deploy", "--detach"]).exits(0);
    let pid = far.member("a")["pid"].clone();
    far.hosts.restart(1);
    eventually("it is up after the reboot", || {
        let a = far.member("a");
        a["state"] == "up" && a["pid"] != pid
    });
    // Since the first start that nobody here has seen: each start counts on, and no line is missed or comes twice.
    for start in far.run(["logs", "a"]).stdout.split("begin").skip(2) {
        let numbers: Vec<u32> = start.lines().filter_map(|line| line.rsplit_once("number ")?.1.parse().ok()).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    }
    far.run(["down"]).exits(0);
    is_clean(&far);
}

#[test]
fn a_unit_is_bounded_as_its_service_says_and_keeps_its_sockets_whatever_is_killed() {
    let Some(hosts) = Hosts::with_systemd(41, 1) else { return };
    let far = Far::on("bounds", hosts);
    let look = "echo sees $(ls /root); touch /usr/x || echo cannot; ulimit -n; sleep 600";
    let bounded = service("a", "one", look)
        + "sandbox = true\nsystemd = { CPUWeight = 50 }\nlimits = { memory = \"64 MiB\", cpu = 0.5, tasks = 50, files = 500 }\n";
    far.describe_with(&far.hosts.machine("one", 1), &bounded);
    far.run(["deploy", "--detach"]).exits(0);
    eventually("its lines come here", || far.run(["logs", "a"]).stdout.contains("500"));
    far.run(["logs", "a"]).prints(&["sees", "cannot"]);
    let shown = far.hosts.on(
        1,
        "systemctl show hydro-far.a -p MemoryMax -p CPUQuotaPerSecUSec -p TasksMax -p CPUWeight -p NoNewPrivileges | sort",
    );
    let expected = "CPUQuotaPerSecUSec=500ms\nCPUWeight=50\nMemoryMax=67108864\nNoNewPrivileges=yes\nTasksMax=50\n";
    assert_eq!(shown, expected);
    // Nobody reads there what a service is told.
    assert!(!far.hosts.on(1, "systemctl show hydro-far.a").contains("echo sees"));

    // Other limits are another start.
    far.describe_with(&far.hosts.machine("one", 1), &bounded.replace("64 MiB", "128 MiB"));
    far.run(["deploy", "--detach"]).exits(0).says(&["its limits"]);
    assert_eq!(far.hosts.on(1, "systemctl show hydro-far.a -p MemoryMax --value"), "134217728\n");

    // What systemd does not take is told.
    far.run(["down"]).exits(0);
    is_clean(&far);
    far.describe_with(&far.hosts.machine("one", 1), &bounded.replace("CPUWeight", "CPUWait"));
    far.run(["deploy", "--detach"]).exits(110).says(&["Unknown assignment: CPUWait=50"]);
    far.run(["down"]).exits(0);
    is_clean(&far);
}

/// Calls the address over and over, and prints how often nobody was there.
const CALLS: &str = "import socket, sys, time\nrefused = 0\nend = time.time() + 6\nwhile time.time() < end:\n    try:\n        \
                     socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).close()\n    except ConnectionRefusedError:\n        \
                     refused += 1\n    time.sleep(0.002)\nprint('refused', refused)\n";

#[test]
fn no_call_is_refused_while_a_program_its_keeper_or_the_host_is_killed() {
    let Some(hosts) = Hosts::with_systemd(42, 1) else { return };
    let toml = format!(
        "[deployment]\nname = \"far\"\n{}\n[services.server]\nsrc = \"src/server.hf\"\non = \"one\"\nrestart = \"permanent\"\nenv = {{ HYDRO_INPUT_INBOUND = \"null\" }}\n",
        hosts.machine("one", 1)
    );
    let _deployed = programs().with(&toml, &[]);
    let far = Far::on("sockets", hosts);
    let root = programs().workspace().root();
    let run =
        |arguments: &[&str]| far.mark.on(far.hosts.call().arguments(arguments.iter().copied()).directory(root)).run();
    run(&["deploy", "--detach"]).exits(0);
    let status: serde_json::Value =
        serde_json::from_str(run(&["ps", "--json"]).exits(0).stdout.trim()).expect("a status");
    let address = status["members"][0]["address"].as_str().expect("an address").to_owned();
    let (ip, port) = address.split_once(':').expect("an address");
    let mut calls = far.hosts.within(&["python3", "-c", CALLS, ip, port]);
    let calls = calls.stdout(std::process::Stdio::piped()).spawn().expect("there is python3");
    let main = |unit: &str| format!("$(systemctl show {unit} -p MainPID --value)");
    let keeper = main("hydro-far.server");
    let is_up = "systemctl is-active hydro-far.server hydro-far";
    for killed in [format!("$(pgrep -P {keeper})"), keeper.clone(), main("hydro-far")] {
        far.hosts.on(1, &format!("kill -9 {killed}"));
        eventually("all is up", || far.hosts.on(1, is_up) == "active\nactive\n");
    }
    let told = calls.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&told.stdout), "refused 0\n");
    eventually("it runs", || run(&["ps"]).stdout.contains("server   up"));
    run(&["down"]).exits(0);
    is_clean(&far);
}

#[test]
fn a_user_without_rights_has_units_of_its_own_and_is_told_what_they_take() {
    let Some(hosts) = Hosts::with_systemd(43, 1) else { return };
    let machine = hosts.machine_of("one", 1, USER);
    let plain = format!("{machine}services = \"systemd\"\n");
    // A user whose last session ends takes its units along, so they are none.
    hosts.on(1, "chmod 0 /usr/bin/loginctl");
    let mut far = Far::on("user", hosts);
    far.describe_with(&plain, &service("a", "one", COUNT));
    far.run(["deploy", "--detach"]).exits(110).says(&[
        "services there cannot be units of systemd",
        &format!("sudo loginctl enable-linger {USER}"),
        "services = \"plain\"",
    ]);
    far.hosts.on(1, "chmod 755 /usr/bin/loginctl");
    far.hosts.on(1, &format!("loginctl enable-linger {USER}"));
    far.run(["deploy", "--detach"]).exits(0);
    eventually("its lines come here", || far.run(["logs", "a"]).stdout.contains("number 20"));
    let as_user = format!("runuser -u {USER} -- env XDG_RUNTIME_DIR=/run/user/1000");
    let active = format!("{as_user} systemctl --user is-active hydro-far.a hydro-far");
    assert_eq!(far.hosts.on(1, &active), "active\nactive\n");
    let journal = format!("{as_user} journalctl --user -u hydro-far.a --no-pager");
    assert!(far.hosts.on(1, &journal).contains("number 20"));

    far.kill_holder();
    let before = begun(&far);
    far.hosts.lose_power(1);
    far.hosts.boot(1);
    eventually("both are up", || far.hosts.on(1, &active) == "active\nactive\n");
    eventually("it was started again", || begun(&far) == before + 1);
    far.run(["down"]).exits(0);
    is_clean(&far);
}

#[test]
fn without_systemd_a_table_of_cron_brings_services_back_and_without_both_that_is_said() {
    let Some(hosts) = Hosts::with_systemd(44, 1) else { return };
    let mut far = Far::on("cron", hosts);
    let plain = format!("{}services = \"plain\"\n", far.hosts.machine("one", 1));
    far.hosts.on(1, "echo '@daily true' | crontab -");
    far.describe_with(&plain, &service("a", "one", COUNT));
    let deployed = far.run(["deploy", "--detach"]).exits(0);
    assert!(!deployed.stderr.contains("until somebody looks"), "{deployed}");
    assert_eq!(far.hosts.on(1, "systemctl list-units --plain --no-legend 'hydro*'"), "");
    assert!(far.hosts.on(1, "crontab -l").contains("@reboot"));
    far.kill_holder();
    let before = begun(&far);
    far.hosts.restart(1);
    eventually("cron has started it", || far.hosts.on(1, "pgrep -xc hydro-host") == "2\n");
    eventually("it was started again", || begun(&far) == before + 1);
    far.run(["down"]).exits(0);
    assert_eq!(far.hosts.on(1, "crontab -l"), "@daily true\n", "what was there before is left alone");

    // What only systemd can see to is refused before anything is done, and what nobody sees to is said.
    far.describe_with(&plain, &(service("a", "one", COUNT) + "limits = { memory = \"1 GiB\" }\n"));
    far.run(["deploy", "--detach"]).exits(110).says(&["`limits.memory` of `a` is systemd's to see to", "Hydro.toml:"]);
    far.run(["down"]).exits(0);
    far.hosts.on(1, "systemctl stop cron");
    far.describe_with(&plain, &service("a", "one", COUNT));
    let said = "when the machine `one` is started anew, its services wait until somebody looks (no cron runs there)";
    far.run(["deploy", "--detach"]).exits(0).says(&[said]);
    far.run(["ps"]).exits(0).says(&[said]);
    far.kill_holder();
    far.run(["ps"]).exits(0).says(&[said]);
    far.run(["down"]).exits(0);
    far.hosts.on(1, "crontab -r");
    is_clean(&far);
}
