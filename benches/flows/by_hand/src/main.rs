//! The echo server of `../hf`, written by hand: the same flow, with the dataflow runtime's own TCP functions at its ends.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use dfir_rs::dfir_syntax;
use dfir_rs::util::{bind_tcp_bytes, deserialize_from_bytes, serialize_to_bytes};
use serde::{Deserialize, Serialize};

/// A text and when it was sent, in nanoseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EchoMsg {
    payload: String,
    ts: i64,
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as i64)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = std::env::args().nth(1).and_then(|address| address.parse().ok());
    let address = address.expect("usage: echo ADDRESS:PORT");
    tokio::task::LocalSet::new().run_until(serve(address)).await;
}

async fn serve(address: SocketAddr) {
    let (sink, source, _) = bind_tcp_bytes(address).await;
    let mut flow = dfir_syntax! {
        inbound_chan = source_stream(source)
            -> filter_map(|frame| {
                let (bytes, addr) = frame.ok()?;
                Some((deserialize_from_bytes::<EchoMsg>(bytes).ok()?, addr))
            })
            -> tee();

        inbound_chan[0]
            -> for_each(|(msg, addr): (EchoMsg, SocketAddr)| println!("{}: Got {:?} from {:?}", now(), msg, addr));

        inbound_chan[1]
            -> map(|(EchoMsg { payload, ts: _ }, addr): (EchoMsg, SocketAddr)| (EchoMsg { payload, ts: now() + 0 }, addr))
            -> map(|(msg, addr)| (serialize_to_bytes(msg), addr))
            -> dest_sink(sink);
    };
    tokio::select! {
        _ = flow.run() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
