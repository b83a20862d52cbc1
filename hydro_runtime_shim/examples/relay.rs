//! What generated code amounts to, written by hand: a program that passes items on, each with a prefix.
//!
//! Try `HYDRO_INPUT_INBOUND=tcp://127.0.0.1:4000 HYDRO_OUTPUT_OUTBOUND=null cargo run --example relay -- --prefix hello`.

use std::any::{TypeId, type_name};
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Context as TaskContext, Poll};

use hydro_runtime_shim::private::dfir_rs::futures::{Sink, Stream};
use hydro_runtime_shim::private::dfir_rs::scheduled::context::{Context, Dfir};
use hydro_runtime_shim::private::{self, Addressing, Direction, Param, Port, Program};

static PROGRAM: Program = Program {
    name: "relay",
    source: "examples/relay.rs",
    doc: "Passes items on, each with a prefix.",
    ports: &[
        Port {
            name: "inbound",
            direction: Direction::Input,
            addressing: Addressing::Plain,
            type_text: "String",
            doc: "What is passed on.",
            line: 1,
            type_name: type_name::<String>,
            type_id: TypeId::of::<String>,
            moves: true,
        },
        Port {
            name: "outbound",
            direction: Direction::Output,
            addressing: Addressing::Plain,
            type_text: "String",
            doc: "Where it goes.",
            line: 2,
            type_name: type_name::<String>,
            type_id: TypeId::of::<String>,
            moves: true,
        },
    ],
    params: &[
        Param {
            name: "prefix",
            type_text: "String",
            default: Some("\"\".into()"),
            doc: "Stands in front of each item.",
        },
        Param { name: "start_with", type_text: "u64", default: Some("0"), doc: "Items made at the start." },
    ],
};

fn main() -> ExitCode {
    private::run(&PROGRAM, |bindings| {
        let prefix = bindings.param("prefix", Some(String::new))?;
        let start_with = bindings.param("start_with", Some(|| 0_u64))?;
        Ok(relay(prefix, start_with, bindings.input_plain("inbound"), bindings.output_plain("outbound")))
    })
}

/// Makes the dataflow `inbound -> map(|item| prefix + item) -> outbound`.
fn relay(
    prefix: String,
    start_with: u64,
    mut inbound: impl Stream<Item = String> + Unpin + 'static,
    mut outbound: impl Sink<String, Error = Infallible> + Unpin + 'static,
) -> Dfir<impl for<'a> AsyncFnMut(&'a mut Context) -> bool + 'static> {
    let mut made = (0..start_with).map(|number| number.to_string());
    let tick = async move |context: &mut Context| {
        let waker = context.waker();
        while let Some(item) =
            made.next().or_else(|| match Pin::new(&mut inbound).poll_next(&mut TaskContext::from_waker(&waker)) {
                Poll::Ready(item) => item,
                Poll::Pending => None,
            })
        {
            #[expect(clippy::print_stdout, reason = "standard output is the program's own")]
            {
                println!("{prefix}{item}");
            }
            let mut outbound = pin!(&mut outbound);
            let Ok(()) = std::future::poll_fn(|task| outbound.as_mut().poll_ready(task)).await;
            let Ok(()) = outbound.start_send(format!("{prefix}{item}"));
        }
        let Ok(()) = std::future::poll_fn(|task| Pin::new(&mut outbound).poll_flush(task)).await;
        context.__end_tick();
        false
    };
    Dfir::new(tick, Context::default(), None, None)
}
