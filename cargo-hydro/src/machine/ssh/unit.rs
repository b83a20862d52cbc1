//! A member on another machine: the same handles as of one that runs here, with its host in place of its process.
//!
//! A handle is about one run. What ends in between, while nobody was connected, is told all the same.

use std::sync::atomic::Ordering;

use hydro_host::words::{Event as Happening, Happened, Spec};
use tokio::sync::mpsc;

use super::{SshError, SshMachine};
use crate::machine::member::{Keeper, Member, MemberSpec};
use crate::report::{Event, LogStream, Reporter, ServiceState};
use crate::sys::{Exit, Stop};

/// Has a member started there, and looked after from here. Needs a running tokio runtime.
pub(in crate::machine) fn start(machine: &SshMachine, spec: MemberSpec, reporter: &Reporter) -> Member {
    let wish = Spec {
        member: spec.name.clone(),
        program: spec.program.to_string_lossy().into_owned(),
        args: spec.args.clone(),
        env: spec.env.clone(),
        directory: spec.directory.display().to_string(),
        data: spec.away.as_ref().and_then(|away| away.data.clone()),
        fresh: spec.away.as_ref().is_some_and(|away| away.fresh),
        keep: spec.away.as_ref().map(|away| away.keep.clone()).unwrap_or_default(),
        bounds: spec.away.as_ref().map(|away| away.bounds.clone()).unwrap_or_default(),
    };
    let (member, keeper) = Member::kept(spec, 0, reporter);
    // Before it starts, so that none of its lines is missed.
    let events = machine.watch(&wish.member);
    let unit = Unit { machine: machine.clone(), keeper, events, run: 0 };
    tokio::spawn(unit.look_after(wish));
    member
}

struct Unit {
    machine: SshMachine,
    keeper: Keeper,
    events: mpsc::UnboundedReceiver<Happening>,
    run: u64,
}

impl Unit {
    async fn look_after(mut self, wish: Spec) {
        let exit = match self.machine.start(wish).await {
            Ok((run, pid)) => {
                self.run = run;
                self.keeper.pid.store(pid, Ordering::Release);
                self.keeper.tell_start(pid);
                self.watch().await
            }
            Err(error) => {
                self.machine.unwatch(&self.keeper.name, self.events);
                self.keeper.fail_to_start(error);
                return;
            }
        };
        // Its next start may have begun, and said something.
        self.machine.unwatch(&self.keeper.name, self.events);
        self.keeper.tell_end(exit);
    }

    /// Waits for the end of the run.
    async fn watch(&mut self) -> Exit {
        let mut abandoned = false;
        let machine = self.machine.clone();
        let mut given_up = std::pin::pin!(machine.given_up());
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(event) => if let Some(exit) = self.hear(event) { return exit },
                    // Another handle has taken the member over.
                    None => return Exit { code: None, signal: None },
                },
                // What becomes of it there is found out by who ends the rest.
                () = given_up.as_mut() => return Exit { code: None, signal: None },
                order = self.keeper.orders.recv(), if !abandoned => {
                    abandoned = order.is_none();
                    self.order(order.unwrap_or(Stop::AtOnce), abandoned);
                }
            }
        }
    }

    fn hear(&self, event: Happening) -> Option<Exit> {
        match event.what {
            Happened::Out(line) => self.keeper.tell_line(LogStream::Stdout, &line),
            Happened::Err(line) => self.keeper.tell_line(LogStream::Stderr, &line),
            Happened::Exit { code, signal, .. } if event.run == self.run => return Some(Exit { code, signal }),
            // It came back by itself while nobody was there.
            Happened::Exit { code, signal, asked } if event.run < self.run => {
                let state = ServiceState::Exited { code, signal, expected: asked };
                self.keeper.reporter.emit(&Event::Service { service: self.keeper.name.clone(), state });
            }
            Happened::Exit { .. } | Happened::Up { .. } => {}
        }
        None
    }

    fn order(&self, stop: Stop, abandoned: bool) {
        let (machine, member) = (self.machine.clone(), self.keeper.name.clone());
        let kill = stop == Stop::AtOnce;
        tokio::spawn(async move {
            // One that is killed may be started again, by whoever decides that.
            let done: Result<(), SshError> = machine.stop(&member, kill, !kill || abandoned).await;
            drop(done);
        });
    }
}
