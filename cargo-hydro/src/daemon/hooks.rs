//! Turns of a deployment at which something of the user's is called. What that is, and how, others know.
//!
//! Read [`Hooks`] first.

use std::pin::Pin;
use std::rc::Rc;

use crate::deploy::{self, Engine};
use crate::report::{Failure, Reporter};

/// A turn of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is about to be deployed; an error keeps it from that.
    BeforeDeploy,
    /// It was deployed; an error makes the deploy a failure.
    AfterDeploy,
    /// A member ended.
    Exit {
        /// `service`, or `service.N`.
        name: String,
        /// Exit code, where it exited.
        code: Option<i32>,
        /// Signal number, where it was killed.
        signal: Option<i32>,
        /// Whether somebody asked for it.
        expected: bool,
    },
    /// All is about to be stopped.
    Stop,
}

/// What is called.
pub trait Hooks {
    /// Tells of a turn, and waits until what is called is done.
    fn call(&self, turn: Turn) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + '_>>;
}

/// Gets ready what is called. Needs a tokio `LocalSet`.
pub type MakeHooks = fn(&Engine, &deploy::Hooks, &Reporter) -> Result<Rc<dyn Hooks>, Failure>;
