//! Carries out the commands of the rules, and returns the results to them.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use protocol::{Command, Event, LocalNode, Machine, Outcome, Reply, Request, Time, Timing};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::events::EventSource;
use super::executor::Executor;
use super::outlets::Outlets;
use super::shared::Exit;
use crate::clock::Clock;

/// The longest sleep. While the machine is suspended the timer stops and the clock goes on. So this is how long the
/// driver may take after a resume to notice that its lease is over.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// A request to be carried out.
struct Step {
    token: u64,
    request: Request,
    limit: Duration,
}

/// Drives one node's machine. Owns its role and lease, and is the only publisher of them.
pub struct Driver<'a, C> {
    clock: C,
    machine: Machine,
    outlets: &'a Outlets,
    events: EventSource,
    /// The request to send next. It replaces the one under way.
    next: Option<Step>,
    last_reply: Option<Time>,
    exit: Option<Exit>,
}

impl<'a, C: Clock> Driver<'a, C> {
    /// The driver of this node. It publishes to `outlets`.
    pub fn new(clock: C, node: LocalNode, timing: Timing, outlets: &'a Outlets) -> Self {
        Self {
            machine: Machine::new(clock.now(), node, timing),
            clock,
            outlets,
            events: EventSource::new(timing),
            next: None,
            last_reply: None,
            exit: None,
        }
    }

    /// Runs until the machine has ended. `true` in `stop`, or dropping its sender, asks it to stop.
    ///
    /// The `tasks` do not end by themselves. If one does, the node leaves the election, because it could not lead
    /// properly without it.
    pub async fn run(
        mut self,
        store: &mut impl Executor,
        mut stop: watch::Receiver<bool>,
        wakeups: &Notify,
        tasks: &mut JoinSet<()>,
    ) -> Exit {
        let mut stopping = false;
        let mut crashed = None;
        self.handle(Event::Tick);
        loop {
            let step = self.next.take();
            // Dropped at the end of this iteration, before the next request is sent: one at a time.
            let mut reply = pin!(carry_out(store, step.as_ref()));
            let mut answered = false;
            while self.exit.is_none() && self.next.is_none() {
                let due = self.machine.due();
                let event = tokio::select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop), if !stopping => {
                        stopping = true;
                        Event::Stop
                    }
                    (token, result) = &mut reply, if !answered => {
                        answered = true;
                        self.replied(token, result)
                    }
                    () = reached(&self.clock, due) => Event::Tick,
                    () = wakeups.notified() => Event::Wake,
                    Some(ended) = tasks.join_next(), if crashed.is_none() => {
                        crashed = Some(ended.err().map_or("a task ended".to_owned(), |error| error.to_string()));
                        Event::Stop
                    }
                };
                self.handle(event);
            }
            if self.exit.is_some() {
                break;
            }
        }
        store.close().await;
        match (crashed, self.exit) {
            (None, Some(exit)) => exit,
            (crashed, _) => Exit::Crashed(crashed.unwrap_or_default()),
        }
    }

    fn handle(&mut self, event: Event) {
        let now = self.clock.now();
        let observed = matches!(&event, Event::Reply { reply: Some(Reply::Snapshot(_)), .. });
        let commands = self.machine.handle(now, event);
        let node = self.machine.outlook(now);
        let lease = self.machine.lease();
        // First of all: a leadership that has ended must not stay published while commands are carried out.
        self.outlets.publish(node.clone(), lease, self.last_reply);
        for event in self.events.state(now, &node, lease.is_some(), observed) {
            self.outlets.announce(event);
        }
        for command in commands {
            match command {
                Command::Send { token, request, limit } => self.next = Some(Step { token, request, limit }),
                Command::Announce(change) => {
                    if let Some(event) = self.events.change(now, change, &node) {
                        self.outlets.announce(event);
                    }
                }
                Command::End(Outcome::Stopped { clean }) => self.exit = Some(Exit::Stopped { clean }),
                Command::End(Outcome::Replaced) => self.exit = Some(Exit::Replaced),
            }
        }
    }

    fn replied(&mut self, token: u64, result: Result<Reply, String>) -> Event {
        let now = self.clock.now();
        let event = match &result {
            Ok(_) => {
                self.last_reply = Some(now);
                self.events.answered(now)
            }
            Err(reason) => self.events.failed(now, reason.clone(), self.machine.lease()),
        };
        if let Some(event) = event {
            self.outlets.announce(event);
        }
        Event::Reply { token, reply: result.ok() }
    }
}

async fn carry_out(store: &mut impl Executor, step: Option<&Step>) -> (u64, Result<Reply, String>) {
    match step {
        Some(Step { token, request, limit }) => (*token, store.carry_out(request, *limit).await),
        None => pending().await,
    }
}

async fn reached(clock: &impl Clock, due: Option<Time>) {
    let Some(due) = due else { return pending().await };
    loop {
        let left = due.since(clock.now());
        if left.is_zero() {
            return;
        }
        clock.sleep(left.min(LONGEST_SLEEP)).await;
    }
}

#[cfg(test)]
mod tests;
