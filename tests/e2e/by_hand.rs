//! Programs without a deployer: the environment is all they need, and they say what is missing in it.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Hydro, assert_golden, programs, redact};

const END: Duration = Duration::from_secs(30);

/// Finds a port that is free now.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("is bound").port()
}

fn program(name: &str, variables: &[(&str, &str)]) -> Hydro {
    let call = Hydro::named(programs().executable(name)).directory(programs().workspace().root());
    variables.iter().fold(call, |call, (name, value)| call.env(name, value))
}

#[test]
fn two_programs_talk_over_tcp() {
    let (server, client) = (free_port(), free_port());
    let (server, client) = (format!("tcp://127.0.0.1:{server}"), format!("tcp://127.0.0.1:{client}"));
    let server_runs =
        program("server", &[("HYDRO_INPUT_INBOUND", &server), ("HYDRO_OUTPUT_OUTBOUND", &client)]).start();
    let client_runs = program(
        "client",
        &[("HYDRO_INPUT_INBOUND", &client), ("HYDRO_OUTPUT_OUTBOUND", &server), ("HYDRO_PARAM_NAME", "ann")],
    )
    .arguments(["--count", "2"])
    .start();
    client_runs.prints("heard ANN 0\nheard ANN 1\n");
    client_runs.signal(Signal::TERM);
    client_runs.finish(END).exits(0);
    server_runs.signal(Signal::INT);
    server_runs.finish(END).exits(0);
}

#[test]
fn unix_sockets_and_any_order_of_start() {
    let folder = tempfile::tempdir().expect("can be made");
    for receiver_first in [true, false] {
        let place = format!("unix:{}/numbers-{receiver_first}.sock", folder.path().display());
        let receiver = || program("counter", &[("HYDRO_INPUT_NUMBERS", &place)]).start();
        let sender = || program("numbers", &[("HYDRO_OUTPUT_OUT", &place)]).arguments(["--count", "1000"]).start();
        let (receiver, sender) = if receiver_first {
            let receiver = receiver();
            // It counts nothing as soon as it runs.
            receiver.prints("0 numbers, sum 0\n");
            (receiver, sender())
        } else {
            let sender = sender();
            sender.says("hydro: ");
            (receiver(), sender)
        };
        receiver.prints("1000 numbers, sum 499500\n");
        sender.signal(Signal::TERM);
        sender.finish(END).exits(0);
        receiver.signal(Signal::TERM);
        receiver.finish(END).exits(0);
    }
}

#[test]
fn help_tells_all_that_the_environment_needs() {
    let root = programs().workspace().root();
    for name in ["server", "client"] {
        let output = program(name, &[]).arguments(["--help"]).run().exits(0);
        assert_eq!(output.stderr, "");
        assert_golden(&format!("e2e/help/{name}.stdout"), &redact(&output.stdout, root));
    }
    program("server", &[])
        .arguments(["--version"])
        .run()
        .exits(0)
        .prints(&["server (src/server.hf, hydro_runtime_shim "]);
    let described = program("server", &[]).arguments(["--describe"]).run().exits(0).stdout;
    let described: serde_json::Value = serde_json::from_str(&described).expect("is one JSON value");
    assert_eq!(described["ports"][0]["type_name"], "alloc::string::String");
}

#[test]
fn a_wrong_environment_is_told_as_a_whole_and_nothing_starts() {
    let root = programs().workspace().root();
    let golden = |case: &str, call: Hydro| {
        let output = call.run().exits(2);
        assert_eq!(output.stdout, "", "{case}");
        assert_golden(&format!("e2e/environment/{case}.stderr"), &redact(&output.stderr, root));
    };
    golden("nothing_is_set", program("client", &[]));
    golden("an_endpoint_is_no_endpoint", program("counter", &[("HYDRO_INPUT_NUMBERS", "127.0.0.1:4000")]));
    golden(
        "a_parameter_is_no_number",
        program("numbers", &[("HYDRO_OUTPUT_OUT", "null"), ("HYDRO_PARAM_COUNT", "many")]),
    );
    golden("a_flag_is_unknown", program("numbers", &[("HYDRO_OUTPUT_OUT", "null")]).arguments(["--cuont", "3"]));
    golden("a_policy_is_unknown", program("numbers", &[("HYDRO_OUTPUT_OUT", "null"), ("HYDRO_POLICY_OUT", "some")]));
    golden(
        "a_member_is_too_many",
        program("numbers", &[("HYDRO_OUTPUT_OUT", "null"), ("HYDRO_MEMBER", "3"), ("HYDRO_MEMBERS", "3")]),
    );
}

#[test]
fn an_address_in_use_is_told_with_its_variable() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let place = format!("tcp://{}", taken.local_addr().expect("is bound"));
    let output = program("counter", &[("HYDRO_INPUT_NUMBERS", &place)]).run().exits(2);
    output.says(&["error: HYDRO_INPUT_NUMBERS: cannot listen on", "in use", "hint: "]);
}
