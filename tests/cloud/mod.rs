//! Google Cloud, played by an emulator on this machine.

mod deploys;
mod kills;
mod orphans;
mod rules;
mod seed;
