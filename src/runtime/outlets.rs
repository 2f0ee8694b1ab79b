//! The driver's outputs: the published state, and the one stream of events that log, hooks and subscribers read.
//!
//! **Invariant:** a change is published before it is announced. When a reader gets the event for the end of a
//! leadership, `is_leader()` agrees.

use std::cell::Cell;

use protocol::{Lease, NodeState, Term, Time};
use tokio::sync::{broadcast, mpsc, watch};

use super::log::LogQueue;
use super::shared::{Exit, SharedState};
use crate::event::{Event, LossReason};
use crate::hook::RoleChange;
use crate::role::Role;

/// How many events a subscriber may lag before it misses some.
const EVENT_CAPACITY: usize = 256;

/// Sends events to the log and to the subscribers. Never waits.
#[derive(Clone, Debug)]
pub struct Announcer {
    events: broadcast::Sender<Event>,
    log: Option<LogQueue>,
}

impl Announcer {
    pub(crate) fn announce(&self, event: Event) {
        if let Some(log) = &self.log {
            log.push(event.clone());
        }
        // An error means that there is no subscriber.
        drop(self.events.send(event));
    }
}

/// The publishing end of one node. Dropping it before [`end`](Self::end), as in a panic, withdraws the leadership.
#[derive(Debug)]
pub struct Outlets {
    state: watch::Sender<SharedState>,
    announcer: Announcer,
    hooks: Option<mpsc::UnboundedSender<RoleChange>>,
    /// The term of the last announced leadership, until its end is announced.
    leading: Cell<Option<Term>>,
}

impl Outlets {
    /// The publishing end, and the receivers of state and events.
    pub fn new(initial: SharedState) -> (Self, watch::Receiver<SharedState>, broadcast::Receiver<Event>) {
        let (state, published) = watch::channel(initial);
        let (events, heard) = broadcast::channel(EVENT_CAPACITY);
        let announcer = Announcer { events, log: None };
        (Self { state, announcer, hooks: None, leading: Cell::new(None) }, published, heard)
    }

    pub(super) fn log_to(&mut self, log: LogQueue) {
        self.announcer.log = Some(log);
    }

    pub(super) fn send_to_hooks(&mut self, changes: mpsc::UnboundedSender<RoleChange>) {
        self.hooks = Some(changes);
    }

    /// For the other tasks that announce events.
    pub(crate) fn announcer(&self) -> Announcer {
        self.announcer.clone()
    }

    pub(crate) fn publish(&self, node: NodeState, lease: Option<Lease>, last_reply: Option<Time>) {
        self.state.send_if_modified(|state| {
            let changed =
                state.node.as_ref() != Some(&node) || (state.lease, state.last_reply) != (lease, last_reply);
            if changed {
                state.node = Some(node);
                state.lease = lease;
                state.last_reply = last_reply;
            }
            changed
        });
    }

    pub(crate) fn announce(&self, event: Event) {
        let held = self.state.borrow().lease.map(|lease| lease.term);
        match event {
            Event::BecameLeader { term, .. } => {
                debug_assert_eq!(held, Some(term), "announced before it was published");
                self.leading.set(Some(term));
                self.queue_hook(Role::Leader, term, None);
            }
            Event::LostLeadership { term, reason } => {
                debug_assert_ne!(held, Some(term), "announced before it was withdrawn");
                self.leading.set(None);
                self.queue_hook(Role::Follower, term, Some(reason));
            }
            _ => {}
        }
        self.announcer.announce(event);
    }

    /// Withdraws the leadership and publishes how the elector ended. Only the first call counts.
    pub fn end(&self, exit: Exit) {
        let event = match &exit {
            Exit::Stopped { clean } => Event::Stopped { clean: *clean },
            Exit::Replaced => Event::Replaced,
            Exit::Crashed(reason) => Event::Crashed { reason: reason.clone() },
        };
        let ends = self.state.send_if_modified(|state| {
            let ends = state.exit.is_none();
            if ends {
                state.lease = None;
                state.exit = Some(exit);
            }
            ends
        });
        if ends {
            if let Some(term) = self.leading.get() {
                self.announce(Event::LostLeadership { term, reason: LossReason::Crashed });
            }
            self.announce(event);
        }
    }

    fn queue_hook(&self, role: Role, term: Term, reason: Option<LossReason>) {
        let Some(hooks) = &self.hooks else { return };
        let (election, node_id) = {
            let state = self.state.borrow();
            (state.election.clone(), state.node_id.clone())
        };
        // An error means that the hooks' runtime has ended.
        drop(hooks.send(RoleChange { election, node_id, role, term, reason }));
    }
}

impl Drop for Outlets {
    fn drop(&mut self) {
        self.end(Exit::Crashed("its thread ended without reporting why".to_owned()));
    }
}

#[cfg(test)]
mod tests;
