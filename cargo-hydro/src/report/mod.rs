//! What users are told: one enum of events, one type for failures, documented exit codes, and the renderers.
//!
//! Events and failures may be made anywhere; only the renderers here print. Human text goes to stderr, data to stdout.
//! Read [`Event`] first.

mod diagnostic;
mod event;
mod exit;
mod failure;
mod human;
mod json;
mod reporter;

pub use diagnostic::{diagnostic_event, diagnostic_rendered};
pub use event::{Event, LinkEvent, LogStream, PlannedService, ServiceState, TestStatus};
pub use exit::ExitCode;
pub use failure::{Failure, Origin, Rendered};
pub use json::FORMAT_VERSION;
#[cfg(test)]
pub(crate) use json::Message;
pub use reporter::{Captured, Color, Format, ReportOptions, Reporter, Services, Verbosity};
