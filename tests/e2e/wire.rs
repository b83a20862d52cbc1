//! A peer of another language, written from docs/wire-protocol.md: it speaks to real programs, breaks its connections and loses nothing.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Hydro, Output, own_address, programs, repository};

const END: Duration = Duration::from_secs(60);

fn python(arguments: [&str; 3]) -> Output {
    let client = repository().join("tests/e2e/wire_client.py");
    Hydro::named("python3").arguments([client.to_str().expect("UTF-8")]).arguments(arguments).run()
}

#[test]
fn a_sender_in_python_resumes_its_stream() {
    let address = own_address();
    let program =
        Hydro::named(programs().executable("counter")).env("HYDRO_INPUT_NUMBERS", format!("tcp://{address}")).start();
    program.prints("0 numbers, sum 0\n");
    python(["send", &address, "20000"]).exits(0).prints(&["everything is acknowledged"]);
    program.prints("20000 numbers, sum 199990000\n");
    program.signal(Signal::TERM);
    program.finish(END).exits(0);
}

#[test]
fn a_receiver_in_python_resumes_its_stream() {
    let address = own_address();
    let program = Hydro::named(programs().executable("ticker"))
        .env("HYDRO_OUTPUT_OUT", format!("listen:tcp://{address}"))
        .arguments(["--period-ms", "1"])
        .start();
    program.prints("tick 1\n");
    python(["receive", &address, "100"]).exits(0).prints(&["all in order, none twice"]);
    program.signal(Signal::TERM);
    program.finish(END).exits(0).says(&["is back"]);
}
