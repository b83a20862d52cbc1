//! Deployments on other machines, reached over ssh: kept up, remembered, taken up again, taken down; and what goes wrong there, told.

use super::far::{COUNT, Far, service};
use super::hosts::{GONE, Hosts, keygen};
use crate::support::{eventually, programs};

#[test]
fn a_deployment_lives_on_its_machines_whoever_dies_here() {
    let Some(far) = Far::new("life", 81, 2) else { return };
    far.describe(&format!("{}{}", service("a", "one", COUNT), service("b", "two", "echo here $(hostname); sleep 600")));
    far.run(["deploy", "--detach"]).exits(0).says(&["Connecting to one", "Started a", "Deployed far"]);
    let pid = far.member("a")["pid"].clone();
    assert_eq!((&far.member("a")["machine"], &far.member("a")["state"]), (&"one".into(), &"up".into()));
    eventually("its lines come here", || far.run(["logs", "b"]).stdout.contains("here host2"));
    eventually("its lines come here", || far.run(["logs", "a"]).stdout.contains("number 20"));

    // Whoever holds it dies; what runs there goes on, can be asked, and is taken up again as it is.
    far.kill_holder();
    let left = far.run(["ps"]).exits(0);
    left.says(&["Left far"]).prints(&["a        up", "one", "two"]);
    let seen = far.run(["logs", "a"]).exits(0).stdout.lines().count();
    eventually("it goes on", || far.run(["logs", "a"]).stdout.lines().count() > seen + 10);
    far.run(["deploy", "--detach"]).exits(0);
    assert_eq!(far.member("a")["pid"], pid, "it was left alone");

    // One that is killed there comes back, and that is told.
    far.hosts.on(1, &format!("kill -9 {pid}"));
    eventually("it was started again", || {
        let a = far.member("a");
        a["state"] == "up" && a["pid"] != pid
    });
    far.run(["exec", "b", "--", "true"]).exits(110).says(&["runs on the machine `two`"]);
    far.run(["stop", "b"]).exits(0);
    eventually("it is down", || far.member("b")["state"] == "down");
    far.run(["start", "b"]).exits(0);
    eventually("it is up", || far.member("b")["state"] == "up");
    far.run(["scale", "b", "3"]).exits(0);
    assert_eq!(far.member("b.2")["machine"], "two");
    far.run(["down"]).exits(0);
    far.is_gone();
}

#[test]
fn a_machine_that_is_cut_off_or_loses_power_comes_back_with_its_members() {
    let Some(mut far) = Far::new("power", 82, 2) else { return };
    far.describe(&format!("{}{}", service("a", "one", COUNT), service("b", "two", "sleep 600")));
    far.run(["deploy", "--detach"]).exits(0);
    let lines = |far: &Far| far.run(["logs", "a"]).stdout.lines().count();
    eventually("it counts", || lines(&far) > 20);
    far.hosts.cut(1, true);
    eventually("that is noticed", || far.run(["ps"]).stderr.contains("no connection to the machine `one`"));
    far.hosts.cut(1, false);
    let before = lines(&far);
    eventually("its lines come again", || lines(&far) > before + 50);
    far.hosts.lose_power(1);
    far.hosts.boot(1);
    eventually("it was started again", || {
        let output = far.run(["logs", "a"]).stdout;
        output.matches("begin").count() == 2 && output.lines().last().is_some_and(|line| line.contains("number"))
    });
    // Each number once, in order: nothing was missed while the machine could not be reached, and nothing came twice.
    let output = far.run(["logs", "a"]).stdout;
    let first_life: Vec<u32> = output
        .lines()
        .skip(1)
        .map_while(|line| line.rsplit_once("number ").and_then(|(_, number)| number.parse().ok()))
        .collect();
    let expected: Vec<u32> = (1..).take(first_life.len()).collect();
    assert_eq!(first_life, expected);
    assert!(first_life.len() > 50);
    far.run(["down"]).exits(0);
    far.is_gone();
}

#[test]
fn a_deployment_ends_though_one_of_its_machines_is_gone() {
    let Some(far) = Far::new("gone", 76, 2) else { return };
    far.describe(&format!("{}{}", service("a", "one", "sleep 600"), service("b", "two", "sleep 600")));
    far.run(["deploy", "--detach"]).exits(0);
    far.hosts.cut(1, true);
    eventually("that is noticed", || far.run(["ps"]).stderr.contains("no connection to the machine `one`"));
    far.run(["down"]).exits(110).says(&["cannot connect to"]);
    far.mark.all_gone(GONE);
    assert_eq!(far.hosts.on(2, "ls .hydro/deployments 2>/dev/null"), "", "the other machine is left clean");
    far.hosts.cut(1, false);
    far.run(["down"]).exits(0).says(&["Down far (on one)"]);
    far.is_gone();
}

#[test]
fn what_is_wrong_at_a_machine_is_told_with_the_next_step() {
    let Some(far) = Far::new("wrong", 83, 2) else { return };
    far.describe(&service("a", "one", "sleep 600"));
    let good = far.workspace.read("Hydro.toml");
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        far.workspace.write("Hydro.toml", &good.replace(from, to));
        far.run(["deploy", "--detach"]).exits(110)
    };
    let address = far.hosts.address(1);
    with(&address, &far.hosts.address(77)).says(&[
        "cannot connect to `root@10.83.0.87`",
        "--> Hydro.toml:4",
        "-v true",
    ]);
    with("user = \"root\"", "user = \"root\"\nport = 2222")
        .says(&["Connection refused", "no ssh server listens there"]);
    let other = far.hosts.key().with_file_name("other");
    keygen(&other);
    with(&far.hosts.key().display().to_string(), &other.display().to_string())
        .says(&["Permission denied", "no key of yours is accepted there"]);
    let known = far.hosts.known_hosts();
    let nobody = known.with_file_name("nobody");
    std::fs::write(&nobody, "").expect("can be written");
    with(&known.display().to_string(), &nobody.display().to_string())
        .says(&["Host key verification failed", "connect once by hand and compare its key"]);
    let key = std::fs::read_to_string(other.with_extension("pub")).expect("was made");
    std::fs::write(&nobody, format!("{address} {key}")).expect("can be written");
    with(&known.display().to_string(), &nobody.display().to_string()).says(&[
        "has changed",
        &format!("{}:1", nobody.display()),
        "remove the line",
    ]);
    far.workspace.write("Hydro.toml", &good.replace("\"sh\", \"-c\", \"sleep 600\"", "\"no-such-program\""));
    far.run(["deploy", "--detach"]).exits(110).says(&["starting `a` failed", "cannot start `no-such-program`"]);

    // A deployment of that name that somebody else has there is not touched.
    far.workspace.write("Hydro.toml", &good);
    far.run(["deploy", "--detach"]).exits(0);
    let token = far.workspace.path(".hydro/machines/token");
    let ours = std::fs::read_to_string(&token).expect("was made");
    far.kill_holder();
    std::fs::write(&token, "somebody else's").expect("can be written");
    far.run(["deploy", "--detach"]).exits(110).says(&["has a deployment of that name there", "another name"]);
    far.run(["down"]).exits(110).says(&["has a deployment of that name there"]);
    std::fs::write(&token, ours).expect("can be written");
    far.run(["down"]).exits(0).says(&["Down far (on one"]);
    far.is_gone();
}

#[test]
fn a_machine_that_nobody_can_call_is_linked_by_its_own_calls() {
    let Some(far) = Far::new("closed", 75, 2) else { return };
    // As behind a firewall: ssh is let in, and what was asked for from within.
    far.hosts.on(2, "iptables -P INPUT DROP; iptables -A INPUT -p tcp --dport 22 -j ACCEPT; iptables -A INPUT -m state --state ESTABLISHED -j ACCEPT; iptables -A INPUT -i lo -j ACCEPT");
    let describe = |closed_one: bool| {
        let closed = |is_closed: bool| if is_closed { "closed = true\n" } else { "" };
        let machines = far.hosts.machine("one", 1) + closed(closed_one) + &far.hosts.machine("two", 2) + closed(true);
        let service = |name: &str, source: &str, on: &str| {
            format!("[services.{name}]\nsrc = \"src/{source}.hf\"\non = \"{on}\"\n")
        };
        let link = |from: &str, to: &str| format!("[[links]]\nfrom = \"{from}.out\"\nto = \"{to}.numbers\"\n");
        let services = [
            ("from_one", "counts", "one"),
            ("on_two", "prints", "two"),
            ("from_two", "counts", "two"),
            ("on_one", "prints", "one"),
        ];
        let services: String = services.into_iter().map(|(name, source, on)| service(name, source, on)).collect();
        format!(
            "[deployment]\nname = \"closed\"\n{machines}{services}{}{}",
            link("from_one", "on_two"),
            link("from_two", "on_one")
        )
    };
    let deployed = programs().with(&describe(false), &[]);
    let run = |arguments: &[&str]| {
        far.mark
            .on(far.hosts.call().arguments(arguments.iter().copied()).directory(programs().workspace().root()))
            .run()
    };
    run(&["deploy", "--detach"]).exits(0);
    let come = |name: &str| {
        let count = || run(&["logs", name]).stdout.lines().count();
        let before = count();
        eventually("numbers come", || count() > before + 20);
    };
    come("on_two");
    come("on_one");
    for (restarted, other) in [("from_one", "on_two"), ("on_two", "on_two"), ("on_one", "on_one")] {
        run(&["restart", restarted]).exits(0);
        come(other);
    }
    run(&["down"]).exits(0);
    programs().workspace().write("Hydro.toml", &describe(true));
    run(&["deploy", "--detach"]).exits(96).says(&["both machines are `closed`", "--> Hydro.toml:"]);
    drop(deployed);
}

#[test]
fn programs_on_two_machines_are_linked_and_what_links_them_is_encrypted() {
    let Some(hosts) = Hosts::new(84, 2) else { return };
    let machine = |host: usize| {
        format!(
            "deployment.SSHMachine({:?}, user=\"root\", key={:?}, known_hosts={:?})",
            hosts.address(host),
            hosts.key(),
            hosts.known_hosts()
        )
    };
    let script = format!(
        r#"
from hydro import Deployment


async def main():
    deployment = Deployment("twohosts")
    one = {}
    two = {}
    numbers = deployment.Hydroflow(src="src/numbers.hf", on=one, name="numbers", params={{"count": 3}})
    counter = deployment.Hydroflow(src="src/counter.hf", on=two, name="counter")
    numbers.ports.out.connect(counter.ports.numbers)
    await deployment.deploy()
    async for line in counter.stdout():
        print(line)
        if line == "3 numbers, sum 3":
            break
    print(numbers.address.split(":")[0], counter.address.split(":")[0])
    await deployment.stop()
"#,
        machine(1),
        machine(2)
    );
    let workspace = programs().workspace();
    workspace.write("twohosts.hydro.py", &script);
    let call = hosts.call().arguments(["run", "twohosts.hydro.py"]).directory(workspace.root());
    call.run().exits(0).prints(&["3 numbers, sum 3", "10.84.0.11 10.84.0.12"]);
    for host in 1..=2 {
        assert_eq!(hosts.on(host, "ls .hydro/deployments 2>/dev/null"), "");
    }
}
