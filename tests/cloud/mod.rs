//! Google Cloud, played by an emulator on this machine.

mod orphans;
mod seed;
