//! Links within this machine, as a deployment wires them: which way they go, what peers see of each other, and what may be left out.

use crate::support::{Output, programs};

fn run(name: &str, body: &str) -> Output {
    let head = "from hydro import Deployment\n\n\nasync def main():\n";
    let body: String = body.lines().map(|line| format!("    {line}\n")).collect();
    programs().script(name, &format!("{head}{body}")).run()
}

/// Makes a deployment with these settings of two services that are linked with those, and prints what carries the link and what came over it.
fn pair(deployment: &str, link: &str) -> String {
    format!(
        r#"deployment = Deployment({deployment})
numbers = deployment.Hydroflow(src="src/numbers.hf", name="numbers", params={{"count": 5}})
counter = deployment.Hydroflow(src="src/counter.hf", name="counter")
numbers.ports.out.connect(counter.ports.numbers{link})
await deployment.deploy()
async for line in counter.stdout():
    if line.startswith("5 "):
        break
[metrics] = await numbers.metrics()
endpoint = metrics["links"][0]["endpoint"].replace("dial:", "")
print(endpoint.split(":")[0], line)"#
    )
}

#[test]
fn a_link_goes_as_its_deployment_or_it_itself_says() {
    for (name, deployment, link, way) in [
        ("way-default", "", "", "shm"),
        ("way-unix", "local_links=\"unix\"", "", "unix"),
        ("way-link", "local_links=\"unix\"", ", transport=\"tcp\"", "tcp"),
    ] {
        run(name, &pair(deployment, link)).exits(0).prints(&[&format!("{way} 5 numbers, sum 10\n")]);
    }
}

#[test]
fn words_that_say_nothing_of_a_link_are_told_at_the_scripts_line() {
    run("way-pipe", &pair("local_links=\"pipe\"", "")).exits(1).says(&[
        "line 5, in main",
        "`local_links` cannot be `pipe`",
        "`\"shm\"` (shared memory, the default), `\"unix\"` or `\"tcp\"`",
    ]);
    run("way-fast", &pair("", ", delivery=\"fast\"")).exits(1).says(&[
        "line 8, in main",
        "there is no delivery `fast`",
        "`reliable` (the default) and `lossy` exist",
    ]);
    run("way-tls", &pair("tls=\"always\"", ", transport=\"shm\"")).exits(1).says(&[
        "way-tls.hydro.py:8",
        "the link from `numbers.out` to `counter.numbers` cannot have the transport `shm`",
        "every link is encrypted",
    ]);
}

#[test]
fn a_lossy_link_leaves_out_what_is_lost_and_goes_on() {
    run("way-lossy", LOSSY).exits(0).prints(&["some are missing, and the link was never made anew: 0\n"]);
}

const LOSSY: &str = r#"import json, os, socket, tempfile
folder = tempfile.TemporaryDirectory()
place = os.path.join(folder.name, "stream.admin")

def fault(**wish):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as admin:
        admin.connect(place)
        admin.sendall(json.dumps(wish).encode() + b"\n")
        reply = json.loads(admin.makefile().readline())
        assert reply["reply"] == "done", reply

deployment = Deployment()
admin = {"HYDRO_ADMIN": "unix:" + place}
stream = deployment.Hydroflow(src="src/stream.hf", name="stream", params={"rate": 1}, env=admin)
check = deployment.Hydroflow(src="src/check.hf", name="check")
stream.ports.out.connect(check.ports.numbers, delivery="lossy")
await deployment.deploy()
lines = check.stdout()
async for line in lines:
    break
fault(request="drop", ratio=1.0)
[metrics] = await stream.metrics()
while metrics["links"][0]["left_out"] == 0:
    [metrics] = await stream.metrics()
fault(request="heal")
async for line in lines:
    if line.startswith("wrong"):
        break
print("some are missing, and the link was never made anew:", metrics["links"][0]["reconnects"])"#;

/// The system takes the session's folder away when its user logs out; a deployment may stay.
const LOGOUT: &str = r#"import os, shutil
deployment = Deployment()
stream = deployment.Hydroflow(src="src/stream.hf", name="stream", params={"rate": 1})
check = deployment.Hydroflow(src="src/check.hf", name="check")
stream.ports.out.connect(check.ports.numbers)
await deployment.deploy()
shutil.rmtree(os.environ["XDG_RUNTIME_DIR"])
await deployment.partition(stream, check)
[metrics] = await stream.metrics()
while metrics["links"][0]["connected"]:
    [metrics] = await stream.metrics()
await deployment.heal()
while not metrics["links"][0]["connected"]:
    [metrics] = await stream.metrics()
print("linked again")"#;

#[test]
fn the_end_of_a_session_cuts_no_link_off() {
    let folder = tempfile::Builder::new().prefix("session-").tempdir_in("/tmp").expect("a folder");
    let body: String = LOGOUT.lines().map(|line| format!("    {line}\n")).collect();
    let text = format!("from hydro import Deployment\n\n\nasync def main():\n{body}");
    let script = programs().script("logout", &text).env("XDG_RUNTIME_DIR", folder.path());
    script.run().exits(0).prints(&["linked again\n"]);
}

const RESTART: &str = r#"from hydro import Deployment


async def start(check, number):
    """Returns the items of a start of the service, when there are some; what it writes may end with each of its processes."""
    while True:
        starts = []
        async for line in check.stdout():
            assert not line.startswith("wrong"), line
            if line.startswith("first"):
                starts.append([])
            starts[-1].append(int(line.split()[-1]))
            if len(starts) > number and len(starts[number]) > 20:
                return starts


async def main():
    deployment = Deployment.from_toml()
    await deployment.deploy()
    stream, check = deployment.services["stream"], deployment.services["check"]
    for number in range(3):
        starts = await start(check, number)
        await check.kill()
    for before, after in zip(starts, starts[1:]):
        assert after[0] <= before[-1] + 1, starts
    await start(check, 3)
    [metrics] = await stream.metrics()
    link = metrics["links"][0]
    print(link["endpoint"].split(":")[0], link["restarts"])
"#;

#[test]
fn a_service_that_is_started_again_goes_on_at_the_same_socket() {
    let toml = "[services.stream]\nsrc = \"src/stream.hf\"\nparams = { rate = 1 }\n\n\
                [services.check]\nsrc = \"src/check.hf\"\nrestart = \"permanent\"\nbackoff = { first = \"10ms\" }\n\n\
                [[links]]\nfrom = \"stream.out\"\nto = \"check.numbers\"\n";
    let _laid = programs().with(toml, &[]);
    programs().script("restart", RESTART).run().exits(0).prints(&["shm 3\n"]);
}
