//! Real programs, real processes, real sockets: what a user sees of them, and that nothing of them is left behind.

mod background;
mod by_hand;
mod colocated;
mod commands;
mod cross;
mod deploy;
mod doctor;
mod draining;
mod embedded;
mod endings;
mod examples;
mod hooks;
mod interrupted_builds;
mod local;
mod panics;
mod paths;
mod pipes;
mod plain_scripts;
mod schemas;
mod scripts;
mod terminal;
mod test_runs;
mod tls;
mod toml;
mod watch;
mod wire;
