//! Faults on purpose: connections that break, processes that are killed or stopped, networks that are cut; under load.
//!
//! Each test does a few of each; with `HYDRO_CHAOS=full` in the environment it does as many as the project promises, which takes an hour.

mod booted;
mod checked;
mod deployments;
mod far;
mod hosts;
mod links;
mod machines;
mod namespaces;
mod proxy;
mod scripts;
mod units;

/// Chooses between a few and all.
fn rounds(few: usize, all: usize) -> usize {
    if std::env::var_os("HYDRO_CHAOS").is_some_and(|size| size == "full") { all } else { few }
}
