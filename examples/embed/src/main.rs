//! An ordinary Rust program that drives a dataflow itself: it gives the module its input, runs ticks, and takes what comes out.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use futures::{Sink, SinkExt, sink};

mod words {
    include!(concat!(env!("OUT_DIR"), "/words.rs"));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (lines, inbound) = futures::channel::mpsc::unbounded();
    let counts = Rc::new(RefCell::new(Vec::new()));
    let mut flow = words::count(inbound, collecting(&counts), 3);
    for text in ["the fish and the bird", "A bird is a bird"] {
        lines.unbounded_send(text.to_owned()).expect("the flow holds the other end");
        flow.run_available().await;
        println!("{text}: {:?}", counts.take());
    }
}

/// A sink that keeps what it is given.
fn collecting<T: 'static>(kept: &Rc<RefCell<Vec<T>>>) -> impl Sink<T, Error = Infallible> + Unpin + 'static {
    let kept = Rc::clone(kept);
    Box::pin(sink::drain().with(move |item| {
        kept.borrow_mut().push(item);
        std::future::ready(Ok::<(), Infallible>(()))
    }))
}
