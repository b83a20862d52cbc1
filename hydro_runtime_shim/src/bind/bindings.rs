//! What generated code gets: its ports as streams and sinks, its parameters as values.
//!
//! Opens no socket: [`crate::run`] does, when the dataflow is there.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;

use futures::{Sink, Stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::configuration::ParamText;
use super::{BindError, Configuration, PortBinding, Program};
use crate::contract::{Delivery, Direction, Policy};
use crate::link::{
    AddressedOutput, Input, InputHub, MemberId, Node, OutputHub, Plain, PlainOutput, PortFace, PortHub, WithAddress,
    WithMember,
};

/// The ports and parameters of one start of a program.
#[derive(Debug)]
pub struct Bindings {
    program: &'static Program,
    node: Rc<Node>,
    params: BTreeMap<&'static str, ParamText>,
    /// In the order of the program's ports.
    ports: Vec<(PortBinding, PortHub)>,
}

impl Bindings {
    /// Prepares the ports of a configuration.
    pub(crate) fn new(program: &'static Program, node: Rc<Node>, configuration: Configuration) -> Self {
        let hub = |binding: PortBinding| {
            let port = binding.port;
            let face = PortFace::new(port.name, port.direction, (port.type_name)());
            let face = face.moving(port.moves.then(|| (port.type_id)()));
            let hub = match port.direction {
                Direction::Input => PortHub::Input(InputHub::new(face)),
                Direction::Output => {
                    let lossy = binding.delivery == Delivery::Lossy;
                    PortHub::Output(OutputHub::new(Rc::clone(&node), face, lossy))
                }
            };
            (binding, hub)
        };
        let ports = configuration.ports.into_iter().map(hub).collect();
        Self { program, node, params: configuration.params, ports }
    }

    /// Returns the ports with where they are bound, for whoever opens the sockets.
    pub(crate) fn into_ports(self) -> Vec<(PortBinding, PortHub)> {
        self.ports
    }

    /// Returns the items of an input of type `T`.
    pub fn input_plain<T: DeserializeOwned + 'static>(
        &mut self,
        name: &'static str,
    ) -> impl Stream<Item = T> + Unpin + 'static + use<T> {
        Input::<T, Plain>::new(Rc::clone(&self.node), self.input(name))
    }

    /// Returns the items of an input of type `(T, SocketAddr)`.
    pub fn input_socket<T: DeserializeOwned + 'static>(
        &mut self,
        name: &'static str,
    ) -> impl Stream<Item = (T, SocketAddr)> + Unpin + 'static + use<T> {
        Input::<T, WithAddress>::new(Rc::clone(&self.node), self.input(name))
    }

    /// Returns the items of an input of type `(T, MemberId)`.
    pub fn input_member<T: DeserializeOwned + 'static>(
        &mut self,
        name: &'static str,
    ) -> impl Stream<Item = (T, MemberId)> + Unpin + 'static + use<T> {
        Input::<T, WithMember>::new(Rc::clone(&self.node), self.input(name))
    }

    /// Returns where an output of type `T` puts its items.
    pub fn output_plain<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
    ) -> impl Sink<T, Error = Infallible> + Unpin + 'static + use<T> {
        let (hub, policy) = self.output(name);
        PlainOutput::new(hub, policy)
    }

    /// Returns where an output of type `(T, SocketAddr)` puts its items.
    pub fn output_socket<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
    ) -> impl Sink<(T, SocketAddr), Error = Infallible> + Unpin + 'static + use<T> {
        AddressedOutput::<T, SocketAddr>::new(self.output(name).0)
    }

    /// Returns where an output of type `(T, MemberId)` puts its items.
    pub fn output_member<T: Serialize + 'static>(
        &mut self,
        name: &'static str,
    ) -> impl Sink<(T, MemberId), Error = Infallible> + Unpin + 'static + use<T> {
        AddressedOutput::<T, MemberId>::new(self.output(name).0)
    }

    /// Returns the parameter's value: from its flag, its variable or its default. The text is read as JSON, and where that fails as a
    /// plain text, so that nobody has to quote a string in a shell.
    ///
    /// # Errors
    /// The text is no such value, or there is neither text nor default.
    pub fn param<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        default: Option<fn() -> T>,
    ) -> Result<T, BindError> {
        let param = self.program.params.iter().find(|param| param.name == name);
        let Some(ParamText { origin, text }) = self.params.get(name) else {
            return default.map(|value| value()).ok_or_else(|| BindError::Missing {
                name: crate::contract::param_variable(name),
                purpose: format!("parameter `{name}` has no default"),
                example: param.map(|param| format!("{} {}", param.flag(), param.example())).unwrap_or_default(),
            });
        };
        let as_json = match serde_json::from_str(text) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        serde_json::from_value(serde_json::Value::String(text.clone())).map_err(|as_text| BindError::Malformed {
            name: origin.clone(),
            value: text.clone(),
            // The first complaint is about the syntax when the text is no JSON, and tells nothing of the type then.
            reason: if as_json.is_data() { as_json.to_string() } else { as_text.to_string() },
            example: param.map(|param| example(origin, param)).unwrap_or_default(),
        })
    }

    /// Returns the input's hub. Generated code asks for the ports it declares; for any other name an input without connections is right.
    fn input(&self, name: &'static str) -> Rc<InputHub> {
        let found = self.ports.iter().find_map(|(binding, hub)| match hub {
            PortHub::Input(hub) if binding.port.name == name => Some(Rc::clone(hub)),
            _ => None,
        });
        found.unwrap_or_else(|| InputHub::new(PortFace::new(name, Direction::Input, "")))
    }

    fn output(&self, name: &'static str) -> (Rc<OutputHub>, Policy) {
        let found = self.ports.iter().find_map(|(binding, hub)| match hub {
            PortHub::Output(hub) if binding.port.name == name => Some((Rc::clone(hub), binding.policy)),
            _ => None,
        });
        found.unwrap_or_else(|| {
            (
                OutputHub::new(Rc::clone(&self.node), PortFace::new(name, Direction::Output, ""), false),
                Policy::default(),
            )
        })
    }
}

fn example(origin: &str, param: &super::Param) -> String {
    if origin.starts_with('-') {
        format!("{origin} {}", param.example())
    } else {
        format!("{origin}={}", param.example())
    }
}
