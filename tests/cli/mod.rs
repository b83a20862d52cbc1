//! The command line: a file per subcommand, and what all of them share.

mod arguments;
mod build;
mod check;
mod dependencies;
mod expand;
mod graph;
mod messages;
mod new;
mod rebuild;
