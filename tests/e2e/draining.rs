//! A graceful stop loses nothing: what was sent is received, whoever is stopped when.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Hydro, Output, programs};

const COUNT: u64 = 300_000;
const END: Duration = Duration::from_secs(60);

/// Returns the last count that the counter told, and the sum.
fn counted(stdout: &str) -> (u64, u64) {
    let line = stdout.lines().rfind(|line| line.contains(" numbers, sum ")).unwrap_or_default();
    let line = line.rsplit("│ ").next().unwrap_or_default();
    let (count, sum) = line.split_once(" numbers, sum ").unwrap_or(("0", "0"));
    (count.parse().expect("is a number"), sum.parse().expect("is a number"))
}

fn has_begun(output: &Output) -> bool {
    counted(&output.stdout).0 > 0
}

#[test]
fn a_sender_that_is_stopped_sends_what_it_has() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("there is a free port");
    let place = format!("tcp://{port}");
    let receiver = Hydro::named(programs().executable("counter")).env("HYDRO_INPUT_NUMBERS", &place).start();
    let sender = Hydro::named(programs().executable("numbers"))
        .env("HYDRO_OUTPUT_OUT", &place)
        .env("HYDRO_PARAM_COUNT", COUNT.to_string())
        .start();
    receiver.until("the first numbers come", has_begun);
    sender.signal(Signal::TERM);
    sender.finish(END).exits(0);
    // The sender is gone; the receiver works on what has arrived, then stops.
    receiver.signal(Signal::TERM);
    let output = receiver.finish(END).exits(0);
    assert_eq!(counted(&output.stdout), (COUNT, COUNT * (COUNT - 1) / 2), "{}", output.stderr);
}

#[test]
fn a_deployment_that_is_stopped_stops_senders_first() {
    let toml = format!(
        "[deployment]\nname = \"drain\"\n[services.counter]\nsrc = \"src/counter.hf\"\n[services.numbers]\nsrc = \"src/numbers.hf\"\nparams = {{ count = {COUNT} }}\n[[links]]\nfrom = \"numbers.out\"\nto = \"counter.numbers\"\n"
    );
    let deployed = programs().with(&toml, &[]);
    let running = deployed.hydro(["deploy"]).start();
    running.until("the first numbers come", has_begun);
    running.signal(Signal::TERM);
    let output = running.finish(END).exits(143);
    assert_eq!(counted(&output.stdout), (COUNT, COUNT * (COUNT - 1) / 2), "{}", output.stderr);
    let stopped =
        |name: &str| output.stderr.find(&format!("Stopped {name}")).unwrap_or_else(|| panic!("{name}\n{output}"));
    assert!(stopped("numbers") < stopped("counter"), "{output}");
}
