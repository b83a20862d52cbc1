//! `kind = "gcp"`: deployed to, taken up again, changed, taken down; machines that go away meanwhile; and what Google refuses, told.

use std::time::Duration;

use compute_emulator::Fault;
use serde_json::Value;

use crate::lab::Vms;
use crate::support::{Hydro, Mark, Output, Workspace, eventually};

const GONE: Duration = Duration::from_secs(15);
const MANIFEST: &str = "[package]\nname = \"sky\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";

/// A workspace whose services are shell scripts on virtual machines.
struct Sky {
    workspace: Workspace,
    vms: Vms,
    mark: Mark,
}

impl Sky {
    fn new(name: &str, subnet: u8, count: usize) -> Option<Self> {
        let vms = Vms::new(subnet, count, Duration::from_millis(50))?;
        let workspace = Workspace::new(&format!("sky-{name}"), &[("Cargo.toml", MANIFEST), ("src/lib.rs", "")]);
        workspace.remove(".hydro");
        Some(Self { workspace, vms, mark: Mark::new() })
    }

    /// Describes a sleeping service on each of these machines; what is added to a machine's table stands behind its name.
    fn describe(&self, machines: &[(&str, &str)]) {
        let mut text = "[deployment]\nname = \"sky\"\n".to_owned();
        for (name, options) in machines {
            text.push_str(&format!(
                "[machines.{name}]\nkind = \"gcp\"\nproject = \"hydro-1234\"\nzone = \"us-west1-a\"\ntype = \"e2-micro\"\n{options}\n\
                 [services.on_{name}]\ncommand = [\"sh\", \"-c\", \"echo here $(hostname) $(id -un); exec sleep 600\"]\non = \"{name}\"\n"
            ));
        }
        self.workspace.write("Hydro.toml", &text);
    }

    fn call<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Hydro {
        self.mark.on(self.vms.call().arguments(arguments).directory(self.workspace.root()))
    }

    fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.call(arguments).run()
    }

    fn member(&self, name: &str) -> Value {
        let status: Value = serde_json::from_str(self.run(["ps", "--json"]).exits(0).stdout.trim()).expect("a status");
        let members = status["members"].as_array().expect("members");
        members.iter().find(|member| member["name"] == name).unwrap_or(&Value::Null).clone()
    }

    fn instance(&self, machine: &str) -> String {
        let names = self.vms.emulator.instances();
        names.into_iter().find(|name| name.starts_with(&format!("hydro-sky-{machine}-"))).unwrap_or_default()
    }

    #[track_caller]
    fn is_gone(&self) {
        self.mark.all_gone(GONE);
        let emulator = &self.vms.emulator;
        assert_eq!((emulator.instances(), emulator.firewalls()), (Vec::new(), Vec::new()));
        assert_eq!(left(&self.workspace), [""; 0]);
    }
}

/// What is known of machines but the token.
fn left(workspace: &Workspace) -> Vec<String> {
    let entries = workspace.path(".hydro/machines").read_dir().into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name != "token").collect()
}

#[test]
fn machines_are_made_used_again_and_deleted_with_their_deployment() {
    let Some(sky) = Sky::new("life", 92, 3) else { return };
    let all = "ttl = \"8h\"\ndisk = 20\nspot = true\nimage = \"debian-12\"\n";
    sky.describe(&[("one", all), ("two", "")]);
    sky.run(["deploy", "--detach", "--max-cost-per-hour", "0.01"]).exits(110).says(&[
        "the machines cost up to",
        "one: 0.0162 USD (e2-micro in us-west1-a)",
        "that is an estimate",
    ]);
    assert_eq!(sky.vms.emulator.instances(), [""; 0], "nothing was made");
    let deploy = ["deploy", "--detach", "--max-cost-per-hour", "1"];
    sky.run(deploy).exits(0).says(&["Creating hydro-sky-one-", "Connecting to two (hydro@10.92.1.", "Deployed sky"]);
    eventually("its lines come here", || sky.run(["logs", "on_one"]).stdout.contains("hydro"));
    let made = sky.vms.emulator.instance(&sky.instance("one")).expect("is there");
    assert!(made["labels"]["hydro-expires"].is_string(), "{made:#}");
    assert_eq!(made["scheduling"]["maxRunDuration"]["seconds"], "28800");
    assert_eq!(made["disks"][0]["initializeParams"]["diskSizeGb"], "20");
    let (instances, pid) = (sky.vms.emulator.instances(), sky.member("on_one")["pid"].clone());
    let entrance = sky.vms.emulator.firewall(&format!("{}-ssh", sky.instance("one"))).expect("is there");
    assert_eq!(
        (&entrance["sourceRanges"][0], &entrance["allowed"][0]["ports"][0]),
        (&"10.92.1.10/32".into(), &"22".into())
    );

    // What is there is used as it is, also after whoever held it has died.
    for (pid, line) in sky.mark.processes() {
        if line.contains("--hydro-daemon")
            && let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    sky.mark.all_gone(GONE);
    sky.run(["ps"]).exits(0).prints(&["on_one", "two"]);
    sky.run(deploy).exits(0);
    assert_eq!((sky.vms.emulator.instances(), sky.member("on_one")["pid"].clone()), (instances, pid));

    // One that is not wanted any more is deleted, one that is new is made.
    sky.describe(&[("one", all), ("three", "")]);
    sky.run(deploy).exits(0).says(&["Creating hydro-sky-three-", "Deleting two"]);
    assert_eq!((sky.instance("two"), sky.vms.emulator.instances().len()), (String::new(), 2));
    sky.describe(&[("one", all), ("three", "spot = true")]);
    let other = sky.run(deploy).exits(110);
    other.says(&["the machine `three` would be made otherwise than it was", "take the deployment down first"]);
    sky.describe(&[("one", all), ("three", "")]);
    let exposed = sky.workspace.read("Hydro.toml").replace("exec sleep 600", "exec sleep 600 # {port:web}");
    sky.workspace.write("Hydro.toml", &(exposed + "[expose.web]\nport = \"on_three.web\"\n"));
    let output = sky.run(deploy).exits(0);
    let open = sky.vms.emulator.firewall(&format!("{}-open", sky.instance("three"))).expect("is there");
    let port = open["allowed"][0]["ports"][0].as_str().expect("a port").to_owned();
    assert_eq!(open["sourceRanges"][0], "0.0.0.0/0");
    let public = sky.vms.emulator.instance(&sky.instance("three")).expect("is there");
    let public = public["networkInterfaces"][0]["accessConfigs"][0]["natIP"].as_str().expect("an address").to_owned();
    output.says(&[&format!("{public}:{port}")]);
    sky.run(["down"]).exits(0).says(&["Deleting one"]);
    sky.is_gone();
}

#[test]
fn a_machine_that_goes_away_behind_our_back_is_there_again_after_the_next_deploy() {
    let Some(sky) = Sky::new("away", 93, 2) else { return };
    sky.describe(&[("one", ""), ("two", "")]);
    sky.run(["deploy", "--detach"]).exits(0);
    sky.vms.emulator.delete_by_hand(&sky.instance("one"));
    sky.vms.emulator.stop_by_hand(&sky.instance("two"));
    let again = sky.run(["deploy", "--detach"]).exits(0);
    again.says(&[
        "the machine `one` is not there any more",
        "Creating hydro-sky-one-",
        "Starting the machine hydro-sky-two-",
    ]);
    for name in ["on_one", "on_two"] {
        assert_eq!(sky.member(name)["state"], "up", "{name}");
    }
    // Whoever held it is gone, and so is a machine: what is left can be looked at and taken down.
    for (pid, line) in sky.mark.processes() {
        if line.contains("--hydro-daemon")
            && let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    sky.mark.all_gone(GONE);
    sky.vms.emulator.delete_by_hand(&sky.instance("one"));
    sky.workspace.remove("Hydro.toml");
    sky.run(["ps", "--deployment", "sky"]).exits(0).says(&["the machine `one` is stopped, or not there any more"]);
    sky.run(["down", "--deployment", "sky"]).exits(0).says(&["Down sky (on one, two)"]);
    sky.is_gone();
}

#[test]
fn what_google_refuses_is_told_in_its_words_and_the_next_deploy_goes_on() {
    let Some(sky) = Sky::new("refused", 94, 2) else { return };
    sky.describe(&[("one", ""), ("two", "")]);
    let emulator = &sky.vms.emulator;
    let deploy = || sky.run(["deploy", "--detach"]);
    let cases: [(u16, &str, &str, &str); 4] = [
        (
            403,
            "accessNotConfigured",
            "Compute Engine API has not been used in project 1234 before",
            "gcloud services enable",
        ),
        (403, "forbidden", "Required 'compute.instances.create' permission", "roles/compute.instanceAdmin.v1"),
        (400, "invalid", "Invalid value for field 'resource.x'", "Hydro.toml:"),
        (403, "quotaExceeded", "Quota 'CPUS' exceeded.", "iam-admin/quotas"),
    ];
    for (status, reason, words, hint) in cases {
        emulator.spoil(Fault::error("POST", "/instances", (status, reason, words)).times(2));
        deploy().exits(110).says(&["cannot create the machine `hydro-sky-one-", words, hint]);
        assert_eq!((emulator.instances(), emulator.firewalls()), (Vec::new(), Vec::new()), "{reason}");
        assert_eq!(left(&sky.workspace), [""; 0], "nothing is written down of what was never made");
    }
    emulator
        .fail_operations("insert", Some(("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone does not have enough resources.")));
    deploy().exits(110).says(&["The zone does not have enough resources.", "take another zone"]);
    emulator.fail_operations("insert", None);
    sky.describe(&[("one", "image = \"no-such\""), ("two", "network = \"no-such\"")]);
    deploy()
        .exits(110)
        .says(&["The referenced image resource cannot be found", "The referenced network resource cannot be found"]);
    let elsewhere = |from: &str, to: &str| {
        sky.describe(&[("one", "")]);
        sky.workspace.write("Hydro.toml", &sky.workspace.read("Hydro.toml").replace(from, to));
        deploy().exits(110)
    };
    elsewhere("us-west1-a", "moon-1-a").says(&["Unknown zone.", "gcloud compute zones list"]);
    elsewhere("e2-micro", "e2-mega").says(&["resource.machineType", "gcloud compute machine-types list"]);
    elsewhere("hydro-1234", "other-1").says(&["projects/other-1' was not found", "check `project`"]);
    sky.describe(&[("one", ""), ("two", "")]);

    // One quota for two machines: the one that was made stays for the next attempt.
    emulator.set_quota("INSTANCES", 1);
    deploy().exits(110).says(&["Quota 'INSTANCES' exceeded. Limit: 1.0"]);
    assert_eq!(emulator.instances().len(), 1);
    emulator.set_quota("INSTANCES", 24);
    // What passes by itself is tried again: busy, broken, and a connection that ends after all was done.
    emulator.spoil(Fault::error("POST", "/instances", (429, "rateLimitExceeded", "Too many requests.")));
    emulator.spoil(Fault::error("GET", "/instances/", (503, "backendError", "Try again.")));
    emulator.spoil(Fault::cut("POST", "/firewalls"));
    deploy().exits(0).says(&["Deployed sky"]);

    // What cannot be deleted stays known until it can.
    emulator.expire_tokens();
    let output = sky.run(["down"]).exits(110);
    output.says(&["invalid authentication credentials", "gcloud auth application-default login"]);
    assert_eq!(emulator.instances().len(), 2);
    emulator.give_token_again();
    sky.run(["down"]).exits(0);
    sky.is_gone();
}

#[test]
fn two_deployments_of_one_name_from_two_places_are_two() {
    let Some(sky) = Sky::new("twice", 95, 2) else { return };
    sky.describe(&[("one", "")]);
    let other = Workspace::new("sky-twice-other", &[("Cargo.toml", MANIFEST), ("src/lib.rs", "")]);
    other.remove(".hydro");
    other.write("Hydro.toml", &sky.workspace.read("Hydro.toml"));
    let there =
        |arguments: &[&str]| sky.mark.on(sky.vms.call().arguments(arguments.iter().copied()).directory(other.root()));
    let first = sky.call(["deploy", "--detach"]).start();
    there(&["deploy", "--detach"]).run().exits(0);
    first.finish(Duration::from_secs(120)).exits(0);
    assert_eq!(sky.vms.emulator.instances().len(), 2);
    sky.run(["down"]).exits(0);
    assert_eq!(sky.vms.emulator.instances().len(), 1, "the other's is left alone");
    there(&["down"]).run().exits(0);
    sky.is_gone();
}

#[test]
fn a_machine_stops_itself_when_nobody_was_connected_and_is_started_by_the_next_deploy() {
    let Some(sky) = Sky::new("idle", 96, 1) else { return };
    sky.describe(&[("one", "autostop = \"30s\"")]);
    sky.workspace.write("Hydro.toml", &sky.workspace.read("Hydro.toml"));
    sky.run(["deploy", "--detach"]).exits(0);
    let script = sky.vms.emulator.instance(&sky.instance("one")).expect("is there")["metadata"]["items"].to_string();
    assert!(script.contains("idle=30 pause=7"), "{script}");
    for (pid, line) in sky.mark.processes() {
        if line.contains("--hydro-daemon")
            && let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
    sky.mark.all_gone(GONE);
    let name = sky.instance("one");
    eventually("it has stopped", || sky.vms.emulator.instance(&name).is_some_and(|one| one["status"] == "TERMINATED"));
    sky.run(["ps"]).exits(0).says(&["the machine `one` is stopped"]);
    sky.run(["deploy", "--detach"]).exits(0).says(&["Starting the machine hydro-sky-one-"]);
    assert_eq!(sky.member("on_one")["state"], "up");
    sky.run(["down"]).exits(0);
    sky.is_gone();
}
