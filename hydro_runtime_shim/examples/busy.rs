//! A program whose first tick never ends: what others see of it then is what `tests/admin` asks.

use std::process::ExitCode;

use hydro_runtime_shim::private::dfir_rs::scheduled::context::{Context, Dfir};
use hydro_runtime_shim::private::{self, Program};

static PROGRAM: Program =
    Program { name: "busy", source: "examples/busy.rs", doc: "Computes for ever.", ports: &[], params: &[] };

fn main() -> ExitCode {
    private::run(&PROGRAM, |_| {
        let tick = async move |_: &mut Context| loop {
            std::hint::spin_loop();
        };
        Ok(Dfir::new(tick, Context::default(), None, None))
    })
}
