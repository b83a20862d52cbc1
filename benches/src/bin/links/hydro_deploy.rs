//! hydro_deploy's path: the real `hydro_deploy_integration` around `dfir_syntax!` flows, in the shape in which `hydro_lang` writes them.
//!
//! A sender is `… -> map(bincode) -> dest_sink(port)`, a receiver `source_stream(port) -> map(bincode) -> …`, on a current-thread runtime in a
//! `LocalSet`. Each direction has a connection of its own, whose receiver is the server. The launcher's part, telling the ends where to connect, is
//! played by `exchange`.
#![expect(clippy::unwrap_used, reason = "the code that `hydro_lang` writes unwraps, and is what is measured")]

use bytes::Bytes;
use dfir_rs::dfir_syntax;
use hydro_deploy_integration::{
    ConnectedDirect, ConnectedSink as _, ConnectedSource as _, Connection, ServerBindConfig, ServerPort,
};
use messages::{Message, Text, again, count, first, offer};

use crate::cell::{Cell, Kind, exchange, receives};

/// Runs one end.
pub(crate) fn work(cell: &Cell) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let local = tokio::task::LocalSet::new();
    // Messages of 8 bytes are numbers, the others texts.
    match cell.bytes {
        8 => local.block_on(&runtime, end::<u64>(cell)),
        16 => local.block_on(&runtime, end::<(u64, u64)>(cell)),
        _ => local.block_on(&runtime, end::<Text>(cell)),
    }
}

async fn end<M: Message>(cell: &Cell) -> Result<(), String> {
    match (cell.kind, receives()) {
        (Kind::Throughput, true) => receive::<M>(cell).await,
        (Kind::Throughput, false) => send::<M>(cell).await,
        (_, true) => pong::<M>(cell).await,
        (_, false) => ping::<M>(cell).await,
    }
}

async fn receive<M: Message>(cell: &Cell) -> Result<(), String> {
    let source = serve(cell.transport.is_local(), async |_| Ok(())).await?.0.connect::<ConnectedDirect>().into_source();
    let mut flow = dfir_syntax! {
        source_stream(source)
            -> map(|bytes| bincode::deserialize::<M>(&bytes.unwrap()).unwrap())
            -> for_each(|message: M| count(&message));
    };
    flow.run().await;
    Ok(())
}

async fn send<M: Message>(cell: &Cell) -> Result<(), String> {
    let sink = dial(&tell("null")?).await?.connect::<ConnectedDirect>().into_sink();
    let messages = offer::<M>(cell.bytes, cell.seconds);
    let mut flow = dfir_syntax! {
        source_iter(messages)
            -> map(|message: M| Bytes::from(bincode::serialize(&message).unwrap()))
            -> dest_sink(sink);
    };
    flow.run().await;
    Ok(())
}

async fn pong<M: Message>(cell: &Cell) -> Result<(), String> {
    let (source, sink) = serve(cell.transport.is_local(), async |there: String| dial(&there).await).await?;
    let source = source.connect::<ConnectedDirect>().into_source();
    let sink = sink.connect::<ConnectedDirect>().into_sink();
    let mut flow = dfir_syntax! {
        source_stream(source)
            -> map(|bytes| bincode::deserialize::<M>(&bytes.unwrap()).unwrap())
            -> map(|message: M| Bytes::from(bincode::serialize(&message).unwrap()))
            -> dest_sink(sink);
    };
    flow.run().await;
    Ok(())
}

async fn ping<M: Message>(cell: &Cell) -> Result<(), String> {
    let (source, sink) = serve(cell.transport.is_local(), async |there: String| dial(&there).await).await?;
    let source = source.connect::<ConnectedDirect>().into_source();
    let sink = sink.connect::<ConnectedDirect>().into_sink();
    let begin = first::<M>(cell.bytes, cell.outstanding());
    let seconds = cell.seconds;
    let mut flow = dfir_syntax! {
        outbound = union()
            -> map(|message: M| Bytes::from(bincode::serialize(&message).unwrap()))
            -> dest_sink(sink);
        source_iter(begin) -> outbound;
        source_stream(source)
            -> map(|bytes| bincode::deserialize::<M>(&bytes.unwrap()).unwrap())
            -> map(|message: M| again(message, seconds))
            -> outbound;
    };
    flow.run().await;
    Ok(())
}

/// Binds a server, tells the other end where, and accepts, while `dial` does with the other end's answer what it likes.
async fn serve<T>(unix: bool, dial: impl AsyncFnOnce(String) -> Result<T, String>) -> Result<(Connection, T), String> {
    let place = if unix { ServerBindConfig::UnixSocket } else { ServerBindConfig::TcpPort("127.0.0.1".into(), None) };
    let bound = place.bind().await;
    let there = tell(&serde_json::to_string(&bound.server_port()).map_err(|error| error.to_string())?)?;
    let (dialed, accepted) = futures::join!(dial(there), hydro_deploy_integration::accept_bound(bound));
    Ok((Connection::AsServer(accepted), dialed?))
}

async fn dial(there: &str) -> Result<Connection, String> {
    let port: ServerPort = serde_json::from_str(there).map_err(|error| error.to_string())?;
    Ok(Connection::AsClient(port.connect().await))
}

fn tell(mine: &str) -> Result<String, String> {
    exchange(mine).map_err(|error| error.to_string())
}
