//! Stands in for the runtime shim in the generated test programs: the same words for generated code, channels instead of links.
//!
//! So a module runs tick by tick in the hands of a test, which sends into its inputs and reads its outputs.

/// What generated code names.
pub mod private {
    use std::any::Any;
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::net::SocketAddr;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    // The suite's enums have the runtime's own derive, not the shim's.
    pub use ::dfir_rs;
    use ::dfir_rs::futures::Sink;
    use ::dfir_rs::tokio::sync::mpsc::UnboundedSender;
    use ::dfir_rs::tokio_stream::wrappers::UnboundedReceiverStream;

    // All else is the shim's own.
    pub use real_shim::private::*;

    /// A port that nobody gave.
    #[derive(Debug)]
    pub struct BindError;

    /// The ends of channels, by port.
    #[derive(Default)]
    pub struct Bindings(BTreeMap<&'static str, Box<dyn Any>>);

    impl Bindings {
        /// Gives a port the end of a channel.
        pub fn give<C: 'static>(&mut self, port: &'static str, channel: C) {
            self.0.insert(port, Box::new(channel));
        }

        fn take<C: 'static>(&mut self, port: &str) -> C {
            let channel = self.0.remove(port).unwrap_or_else(|| panic!("nobody gave the port `{port}`"));
            *channel.downcast().unwrap_or_else(|_| panic!("the port `{port}` has another type"))
        }

        /// The items of an input.
        pub fn input_plain<T: 'static>(&mut self, port: &str) -> UnboundedReceiverStream<T> {
            self.take(port)
        }

        /// The items of an addressed input.
        pub fn input_socket<T: 'static>(&mut self, port: &str) -> UnboundedReceiverStream<(T, SocketAddr)> {
            self.take(port)
        }

        /// Where an output's items go.
        pub fn output_plain<T: 'static>(&mut self, port: &str) -> Output<T> {
            Output(self.take(port))
        }

        /// Where an addressed output's items go.
        pub fn output_socket<T: 'static>(&mut self, port: &str) -> Output<(T, SocketAddr)> {
            Output(self.take(port))
        }
    }

    /// An output's end.
    pub struct Output<T>(UnboundedSender<T>);

    impl<T> Sink<T> for Output<T> {
        type Error = Infallible;

        fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn start_send(self: Pin<&mut Self>, item: T) -> Result<(), Infallible> {
            // A test that has dropped its end does not want the item.
            let _ = self.0.send(item);
            Ok(())
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }
    }
}
