//! Carries out what the rules command, and tells them what came of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::published::{Ending, Publisher};
use super::report::Report;
use super::{Call, Read};
use crate::clock;
use crate::config::Settings;
use crate::status::{Role, RoleChange};
use crate::store::Store;
use crate::store::failure::Failure;
use protocol::{Change, Command, Event, Incarnation, LocalNode, Machine, Outcome, Reply, Request, Time};

/// The step under way. Dropped, its connection is closed.
struct Step {
    token: u64,
    future: Pin<Box<dyn Future<Output = Result<Reply, Failure>>>>,
}

pub(super) struct Driver<'a> {
    machine: Machine,
    /// Only the step under way has it; the lock is how the next one waits for that step's being dropped.
    store: Arc<Mutex<Store>>,
    step: Option<Step>,
    publisher: &'a Publisher,
    report: Report,
    changes: mpsc::UnboundedSender<RoleChange>,
    database_seen: Option<Time>,
    ending: Option<Ending>,
}

impl<'a> Driver<'a> {
    pub fn new(
        settings: &Settings,
        incarnation: Uuid,
        store: Store,
        publisher: &'a Publisher,
        changes: mpsc::UnboundedSender<RoleChange>,
    ) -> Self {
        let node =
            LocalNode { id: settings.node_id.clone(), incarnation: Incarnation(incarnation.as_u128()) };
        Self {
            machine: Machine::new(clock::now(), node, settings.timing),
            store: Arc::new(Mutex::new(store)),
            step: None,
            publisher,
            report: Report::new(settings),
            changes,
            database_seen: None,
            ending: None,
        }
    }

    /// Runs until the machine has ended. When all handles are gone, that is a wish to stop.
    pub async fn run(
        mut self,
        inbox: &mut mpsc::UnboundedReceiver<Call>,
        reads: &mpsc::UnboundedSender<Read>,
        wakeups: &Notify,
        tasks: &mut JoinSet<()>,
    ) -> Ending {
        let mut crashed = false;
        let mut listening = true;
        self.handle(Event::Tick);
        while self.ending.is_none() {
            let due = self.machine.due();
            let event = tokio::select! {
                biased;
                call = inbox.recv(), if listening => match call {
                    Some(Call::Read(read)) => {
                        drop(reads.send(read));
                        continue;
                    }
                    Some(Call::Start(_)) => continue,
                    Some(Call::Stop) => Event::Stop,
                    None => {
                        listening = false;
                        Event::Stop
                    }
                },
                result = finished(&mut self.step) => self.taken(result),
                () = sleep_until(due) => Event::Tick,
                () = wakeups.notified() => Event::Wake,
                Some(_) = tasks.join_next(), if !crashed => {
                    // None of the other tasks ends by itself: leave in good order rather than lead half-blind.
                    crashed = true;
                    Event::Stop
                }
            };
            self.handle(event);
        }
        self.step = None;
        self.store.lock().await.close().await;
        match self.ending {
            Some(_) if crashed => Ending::Crashed,
            Some(ending) => ending,
            None => Ending::Crashed,
        }
    }

    fn handle(&mut self, event: Event) {
        let now = clock::now();
        let looked = matches!(&event, Event::Reply { reply: Some(Reply::Snapshot(_)), .. });
        let commands = self.machine.handle(now, event);
        // Before anything else: what has ended must not be seen to go on for as long as a command takes.
        self.publisher.publish(self.machine.outlook(now), self.machine.lease(), self.database_seen);
        self.report.outlook(now, &self.machine, looked);
        for command in commands {
            match command {
                Command::Send { token, request, limit } => self.send(token, request, limit),
                Command::Announce(change) => self.announce(now, &change),
                Command::End(outcome) => {
                    self.ending = Some(match outcome {
                        Outcome::Stopped { clean } => Ending::Stopped { clean },
                        Outcome::Replaced => Ending::Replaced,
                    });
                    self.report.ended(outcome);
                }
            }
        }
    }

    fn send(&mut self, token: u64, request: Request, limit: Duration) {
        // A step that is still under way is cut off first: one command at a time.
        self.step = None;
        let store = Arc::clone(&self.store);
        let future = Box::pin(async move { store.lock().await.carry_out(&request, limit).await });
        self.step = Some(Step { token, future });
    }

    fn taken(&mut self, (token, result): (u64, Result<Reply, Failure>)) -> Event {
        self.step = None;
        let now = clock::now();
        let reply = match result {
            Ok(reply) => {
                self.database_seen = Some(now);
                self.report.answered(now);
                Some(reply)
            }
            Err(failure) => {
                self.report.failed(now, &failure, self.machine.lease());
                None
            }
        };
        Event::Reply { token, reply }
    }

    fn announce(&mut self, now: Time, change: &Change) {
        self.report.changed(now, change);
        let (role, term) = match change {
            Change::BecameLeader { term, .. } => (Role::Leader, *term),
            Change::LostLeadership { term, .. } => (Role::Follower, *term),
            _ => return,
        };
        let (election, node_id) = self.report.names();
        // Without a receiver there is nobody to tell.
        drop(self.changes.send(RoleChange { election, node_id, role, term: term.get() }));
    }
}

async fn finished(step: &mut Option<Step>) -> (u64, Result<Reply, Failure>) {
    match step {
        Some(Step { token, future }) => (*token, future.await),
        None => std::future::pending().await,
    }
}

async fn sleep_until(due: Option<Time>) {
    match due {
        // The timer stands still while the machine is suspended; the clock does not, and is what counts afterwards.
        Some(due) => tokio::time::sleep(due.since(clock::now())).await,
        None => std::future::pending().await,
    }
}
