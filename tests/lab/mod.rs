//! Faults on purpose: connections that break, processes that are killed or stopped, networks that are cut; under load.
//!
//! Each test does a few of each; with `HYDRO_CHAOS=full` in the environment it does as many as the project promises, which takes an hour.

mod booted;
mod checked;
mod conformance;
mod deployments;
mod far;
mod fleet;
mod guests;
pub(crate) mod hosts;
mod kinds;
mod links;
mod machines;
mod namespaces;
mod processors;
mod proxy;
mod scripts;
mod troubles;
mod units;

pub(crate) use guests::Vms;

/// Chooses between a few and all.
pub(crate) fn rounds(few: usize, all: usize) -> usize {
    if std::env::var_os("HYDRO_CHAOS").is_some_and(|size| size == "full") { all } else { few }
}
