//! Takes what comes and sends nothing. What hydro_deploy's launcher and its services say to each other is spoken as `hydro_lang` does it.

use std::collections::HashMap;
use std::io::BufRead as _;

use bytes::Bytes;
use dfir_rs::dfir_syntax;
use futures::future::join_all;
use hydro_deploy_integration::{
    ConnectedDirect, ConnectedSink as _, ConnectedSource as _, Connection, ServerBindConfig, ServerPort, accept_bound,
};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, work());
}

async fn work() {
    let mut connections = connect().await;
    println!("ack start");
    let source = connections.remove("inbound").unwrap().connect::<ConnectedDirect>().into_source();
    let sink = connections.remove("outbound").unwrap().connect::<ConnectedDirect>().into_sink();
    let mut flow = dfir_syntax! {
        source_stream(source)
            -> map(|bytes| bincode::deserialize::<u64>(&bytes.unwrap()).unwrap())
            -> map(|number| number + 0)
            -> for_each(drop);
        source_iter(None::<u64>)
            -> map(|number| Bytes::from(bincode::serialize(&number).unwrap()))
            -> dest_sink(sink);
    };
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // The launcher says `stop`, or goes.
        let _ = line();
        let _ = ended.send(());
    });
    tokio::select! {
        _ = flow.run() => {}
        _ = end => {}
    }
}

fn line() -> String {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
    line
}

async fn connect() -> HashMap<String, Connection> {
    let (wanted, _) = serde_json::from_str::<(HashMap<String, ServerBindConfig>, Option<String>)>(&line()).unwrap();
    let bound = join_all(wanted.into_iter().map(|(name, wanted)| async { (name, wanted.bind().await) })).await;
    let ports: HashMap<&String, ServerPort> = bound.iter().map(|(name, bound)| (name, bound.server_port())).collect();
    println!("ready: {}", serde_json::to_string(&ports).unwrap());
    let start = line();
    let peers: HashMap<String, ServerPort> = serde_json::from_str(start.strip_prefix("start: ").unwrap()).unwrap();
    let dialed =
        peers.into_iter().map(|(name, peer)| async move { (name, Connection::AsClient(peer.connect().await)) });
    let accepted =
        bound.into_iter().map(|(name, bound)| async { (name, Connection::AsServer(accept_bound(bound).await)) });
    let (dialed, accepted) = futures::join!(join_all(dialed), join_all(accepted));
    dialed.into_iter().chain(accepted).collect()
}
