//! Google Compute Engine on this machine: a real HTTP server with tokens, operations that take their time, quotas, and errors on demand.
//!
//! Its "machines" are addresses that a test hands it, or guests that are switched on and off. `http` speaks the protocol, `compute` is the API, `guest` and `power` are what instances are in the flesh, `tokens` says who may ask, `faults` spoils answers.
//! Knows nothing of who asks, so that both the client's own suite and the whole system's use it.

mod compute;
mod faults;
mod guest;
mod http;
mod power;
mod tokens;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use compute::Compute;
pub use faults::Fault;
use faults::Faults;
use guest::Slot;
pub use guest::{Entry, Guest};
use http::{Answer, Asked};
use tokens::Tokens;

/// The only project there is.
pub const PROJECT: &str = "hydro-1234";
/// A token that is good from the beginning.
pub const TOKEN: &str = "token-of-the-test";

/// A machine that an instance can be.
#[derive(Clone, Debug)]
pub struct Host {
    /// Its address within the network.
    pub internal: IpAddr,
    /// Its public address.
    pub public: IpAddr,
    /// Its host keys, as `ssh-ed25519 AAAA…`.
    pub host_keys: Vec<String>,
}

/// A server; it ends with the test's process.
#[derive(Clone)]
pub struct Emulator {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    compute: Compute,
    tokens: Tokens,
    faults: Faults,
    requests: Vec<String>,
}

impl Emulator {
    /// Starts one whose operations take as long as this.
    ///
    /// # Panics
    /// The system has no port for it.
    #[must_use]
    pub fn start(operations: Duration) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port is free"), operations)
    }

    /// Starts one that answers there, which may be in another network than the test's own.
    ///
    /// # Panics
    /// Nothing can listen there.
    #[must_use]
    pub fn on(listener: TcpListener, operations: Duration) -> Self {
        let address = listener.local_addr().expect("is bound");
        let state = State {
            compute: Compute::new(operations),
            tokens: Tokens::new(),
            faults: Faults::default(),
            requests: Vec::new(),
        };
        let emulator = Self { address, state: Arc::new(Mutex::new(state)) };
        let serving = emulator.clone();
        std::thread::spawn(move || http::serve(&listener, &move |asked| serving.answer(&asked)));
        emulator
    }

    /// Returns where the API answers.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}/compute/v1", self.address)
    }

    /// Returns its address: that of a metadata server, and of a server of tokens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands it machines; without any, instances get addresses at which nobody is.
    pub fn add_hosts(&self, hosts: Vec<Host>) {
        self.state().compute.add_hosts(hosts);
    }

    /// Hands it a machine in the flesh.
    pub fn add_guest(&self, internal: IpAddr, public: IpAddr, guest: Box<dyn Guest>) {
        self.state().compute.add_slots(vec![Slot::new(internal, public, guest)]);
    }

    /// Stops an instance without being asked, as somebody else may.
    pub fn stop_by_hand(&self, name: &str) {
        self.state().compute.stop_by_hand(name);
    }

    /// Deletes an instance without being asked, as somebody else may.
    pub fn delete_by_hand(&self, name: &str) {
        self.state().compute.delete_by_hand(name);
    }

    /// Returns an instance, as the API tells it.
    #[must_use]
    pub fn instance(&self, name: &str) -> Option<Value> {
        self.state().compute.instance_named(name)
    }

    /// Returns a firewall rule, as the API tells it.
    #[must_use]
    pub fn firewall(&self, name: &str) -> Option<Value> {
        self.state().compute.firewall_named(name)
    }

    /// Puts an instance there, as the API has it; its `name`, `status` and `labels` count.
    pub fn add_instance(&self, zone: &str, instance: Value) {
        self.state().compute.add_instance(zone, instance);
    }

    /// Puts a firewall rule there; its `name` and `description` count.
    pub fn add_firewall(&self, rule: Value) {
        self.state().compute.add_firewall(rule);
    }

    /// Spoils answers.
    pub fn spoil(&self, fault: Fault) {
        self.state().faults.add(fault);
    }

    /// Lets operations of a kind (`insert`, `delete`) fail from now on, with a code and words; none: they succeed again.
    pub fn fail_operations(&self, kind: &str, wrong: Option<(&str, &str)>) {
        self.state().compute.fail_operations(kind, wrong);
    }

    /// Sets how much of something a region has.
    pub fn set_quota(&self, metric: &str, limit: u32) {
        self.state().compute.set_quota(metric, limit);
    }

    /// Lists are given out in pages of so many.
    pub fn set_page(&self, size: usize) {
        self.state().compute.page = size;
    }

    /// All tokens so far are good no longer.
    pub fn expire_tokens(&self) {
        self.state().tokens.expire();
    }

    /// The token that was good from the beginning is good again.
    pub fn give_token_again(&self) {
        self.state().tokens.give(TOKEN);
    }

    /// Returns the names of the instances that are there.
    #[must_use]
    pub fn instances(&self) -> Vec<String> {
        self.state().compute.instance_names()
    }

    /// Returns the names of the firewall rules that are there.
    #[must_use]
    pub fn firewalls(&self) -> Vec<String> {
        self.state().compute.firewall_names()
    }

    /// Returns what was asked so far: method and path, without the query.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None: the connection ends without an answer.
    fn answer(&self, asked: &Asked) -> Option<Answer> {
        let mut state = self.state();
        if let Some(answer) = state.tokens.answer(asked) {
            return Some(answer);
        }
        state.requests.push(format!("{} {}", asked.method, asked.path));
        if let Some(refusal) = state.tokens.refusal(asked) {
            return Some(refusal);
        }
        let fault = state.faults.take(asked);
        if let Some(answer) = fault.as_ref().and_then(Fault::answer) {
            return Some(answer);
        }
        let pause = state.compute.pause(asked);
        drop(state);
        // A question for an operation is held, while others are answered.
        if let Some(pause) = pause {
            std::thread::sleep(pause);
        }
        let answer = self.state().compute.answer(asked);
        // A fault without an answer of its own cuts the connection when all is done.
        fault.is_none().then_some(answer)
    }
}
