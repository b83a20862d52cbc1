//! What single keys do while a deployment runs in a terminal.
//!
//! Each does what a command from another shell does too. Knows nothing of how the terminal is made to send them.

use std::rc::Rc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::StatusReport;
use super::host::Remote;
use crate::report::{Event, Format, Reporter};
use crate::sys::Keyboard;

/// Shows how a deployment is, as `ps` does.
pub type ShowStatus = Box<dyn Fn(&StatusReport)>;

const HELP: &str = "s  how each service is
r  restart all services
l  hide what services write, or show it again
q  end all services in order, as Ctrl-C does; Ctrl-C pressed twice ends them at once
?  these keys
The deployment ends with this terminal; `cargo hydro deploy --detach` leaves one running.";

/// Listens to keys until it is dropped.
pub(super) struct Keys(JoinHandle<()>);

impl Drop for Keys {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Listens to the terminal's keys, and tells the user of it. None: there is no terminal, or it is a program that reads.
pub(super) fn attach(remote: Remote, quit: Rc<Notify>, reporter: &Reporter, show_status: ShowStatus) -> Option<Keys> {
    if reporter.format() != Format::Human {
        return None;
    }
    let keyboard = Keyboard::attach()?;
    let reporter = reporter.clone();
    note(&reporter, "Keys: s status, r restart, l logs, q quit, ? help");
    let user = User { remote, quit, reporter, show_status, restarting: None };
    Some(Keys(tokio::task::spawn_local(user.serve(keyboard))))
}

struct User {
    remote: Remote,
    quit: Rc<Notify>,
    reporter: Reporter,
    show_status: ShowStatus,
    restarting: Option<JoinHandle<()>>,
}

impl User {
    async fn serve(mut self, mut keyboard: Keyboard) {
        loop {
            match keyboard.next().await {
                's' => (self.show_status)(&self.remote.status()),
                'r' => self.restart(),
                'l' => match self.reporter.toggle_logs() {
                    true => note(&self.reporter, "Logs are shown."),
                    false => note(&self.reporter, "Logs are hidden; `l` shows them, `cargo hydro logs` has them all."),
                },
                // Kept for whoever waits next, so that it counts in every moment.
                'q' => self.quit.notify_one(),
                '?' | 'h' => note(&self.reporter, HELP),
                _ => {}
            }
        }
    }

    /// Does not wait for it: other keys are to work meanwhile. One restart at a time is enough.
    fn restart(&mut self) {
        if self.restarting.as_ref().is_some_and(|restarting| !restarting.is_finished()) {
            return;
        }
        let (remote, reporter) = (self.remote.clone(), self.reporter.clone());
        self.restarting = Some(tokio::task::spawn_local(async move {
            reporter.status("Restarting", "all services");
            remote.restart_all().await.iter().for_each(|failure| reporter.failure(failure));
        }));
    }
}

fn note(reporter: &Reporter, message: &str) {
    reporter.emit(&Event::Note { message: message.to_owned() });
}
