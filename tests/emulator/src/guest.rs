//! Instances in the flesh: what a test hands over to be switched on, told, closed off and switched off.
//!
//! Knows no API; `compute` says when what happens.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A machine that an instance can be.
pub trait Guest: Send {
    /// Its power comes on, and it does what its metadata says, as Google's agent does. Returns its host keys, as `ssh-ed25519 AAAA…`.
    fn boot(&mut self, metadata: &BTreeMap<String, String>) -> Vec<String>;
    /// Its power is gone; with `wipe`, its disk too.
    fn halt(&mut self, wipe: bool);
    /// Whether it has switched itself off.
    fn is_off(&mut self) -> bool;
    /// From now on these may come, and nobody else.
    fn admit(&mut self, entries: &[Entry]);
}

/// Who may come, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A network: `203.0.113.7/32`.
    pub from: String,
    /// TCP ports.
    pub ports: Vec<String>,
}

/// A guest with its addresses.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) internal: IpAddr,
    pub(super) public: IpAddr,
    guest: Arc<Mutex<Box<dyn Guest>>>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// None: it is not up.
    keys: Option<Vec<String>>,
    entries: Vec<Entry>,
}

impl Slot {
    pub(super) fn new(internal: IpAddr, public: IpAddr, guest: Box<dyn Guest>) -> Self {
        Self { internal, public, guest: Arc::new(Mutex::new(guest)), state: Arc::default() }
    }

    /// Switches it on; that takes its time.
    pub(super) fn boot(&self, metadata: BTreeMap<String, String>) {
        let slot = self.clone();
        std::thread::spawn(move || {
            let mut guest = slot.guest();
            let keys = guest.boot(&metadata);
            // Rules may have come meanwhile.
            let mut state = slot.state();
            guest.admit(&state.entries);
            state.keys = Some(keys);
        });
    }

    pub(super) fn halt(&self, wipe: bool) {
        self.state().keys = None;
        self.guest().halt(wipe);
    }

    pub(super) fn host_keys(&self) -> Option<Vec<String>> {
        self.state().keys.clone()
    }

    pub(super) fn is_off(&self) -> bool {
        self.host_keys().is_some() && self.guest().is_off()
    }

    pub(super) fn admit(&self, entries: Vec<Entry>) {
        let is_up = {
            let mut state = self.state();
            state.entries.clone_from(&entries);
            state.keys.is_some()
        };
        if is_up {
            self.guest().admit(&entries);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guest(&self) -> MutexGuard<'_, Box<dyn Guest>> {
        self.guest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
