//! This node's row: registering it, taking it over, keeping it alive, and leaving.

use std::time::Duration;

use super::agenda::{Agenda, Duty, Task};
use super::message::{Belief, Change, Outcome, Reply, Request, TakeOver};
use super::node::LocalNode;
use super::snapshot::{EndReason, Snapshot};
use super::tenure::Tenure;
use super::term::{HeartbeatSeq, Incarnation};
use super::time::Time;
use super::timing::Timing;
use super::view::ElectionView;

/// The stages of a node's life.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// The node inserts its row, or takes it over.
    Registering(Option<TakeOver>),
    /// The row belongs to another process that leads. The node waits for that lease to end, as every node does.
    Waiting,
    /// The row is written, and this node takes part.
    Joined,
    /// The node removes its row.
    Leaving {
        /// Ends a term of its own first, for this reason.
        end: Option<EndReason>,
        /// How the machine ends if that succeeds.
        outcome: Outcome,
        /// When it gives up.
        until: Time,
    },
    /// The machine has ended.
    Ended,
}

/// This node's row.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Membership {
    phase: Phase,
    /// Whether the row has been this process's. If it belongs to another process later, this process was replaced.
    registered_before: bool,
    /// At least as high as any heartbeat counter this process may have written.
    heartbeat_seq: HeartbeatSeq,
}

impl Membership {
    /// A node that has not registered yet.
    pub fn new() -> Self {
        Self { phase: Phase::Registering(None), registered_before: false, heartbeat_seq: HeartbeatSeq::ZERO }
    }

    /// The node's stage.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// What the node is doing, with this leadership of its own.
    pub fn duty(&self, tenure: Tenure) -> Duty {
        match (&self.phase, tenure) {
            (Phase::Registering(_), _) => Duty::Register,
            (Phase::Waiting, _) => Duty::AwaitRow,
            (Phase::Joined, Tenure::Held(lease)) => Duty::Lead { deadline: lease.deadline },
            (Phase::Joined, Tenure::Orphaned { term, reason }) => Duty::EndTerm { term, reason },
            (Phase::Joined, Tenure::None | Tenure::Unknown) => Duty::Follow,
            (Phase::Leaving { until, .. }, _) => Duty::Leave { until: *until },
            (Phase::Ended, _) => Duty::Nothing,
        }
    }

    /// Whether the node takes part.
    pub fn is_joined(&self) -> bool {
        self.phase == Phase::Joined
    }

    /// The request for a task, by the node's own leadership and its view of the election.
    pub fn request(&mut self, task: Task, tenure: Tenure, view: &ElectionView, timing: &Timing) -> Request {
        match task {
            Task::Register => self.register(),
            Task::Heartbeat => self.heartbeat(tenure, view.is_vacant()),
            Task::Observe => Request::Observe { terms: view.terms() },
            Task::CleanUp => Request::Cleanup { older_than: 2 * timing.node_timeout() },
            Task::EndTerm { term, reason } => Request::EndTerm { term, reason },
            Task::Leave => self.leave(),
        }
    }

    fn register(&self) -> Request {
        let take_over = match &self.phase {
            Phase::Registering(take_over) => take_over.clone(),
            Phase::Waiting | Phase::Joined | Phase::Leaving { .. } | Phase::Ended => None,
        };
        Request::Register { take_over }
    }

    fn heartbeat(&mut self, tenure: Tenure, candidate: bool) -> Request {
        let belief = match tenure {
            Tenure::Held(lease) => Belief::Leader(lease.term),
            Tenure::None | Tenure::Orphaned { .. } | Tenure::Unknown if candidate => Belief::Candidate,
            Tenure::None | Tenure::Orphaned { .. } | Tenure::Unknown => Belief::Follower,
        };
        Request::Heartbeat { belief, seq_floor: self.take_seq() }
    }

    fn leave(&self) -> Request {
        let end = match self.phase {
            Phase::Leaving { end, .. } => end,
            Phase::Registering(_) | Phase::Waiting | Phase::Joined | Phase::Ended => None,
        };
        Request::Leave { end }
    }

    /// Returns the heartbeat counter that the next write must exceed. No two calls return the same one, so that no
    /// version of the row is written twice, even if the database forgot one.
    pub fn take_seq(&mut self) -> HeartbeatSeq {
        let floor = self.heartbeat_seq;
        self.heartbeat_seq = floor.next();
        floor
    }

    /// This process's row was seen with this heartbeat counter.
    pub fn note_seq(&mut self, seq: HeartbeatSeq) {
        self.heartbeat_seq = self.heartbeat_seq.max(seq);
    }

    /// The row is written.
    pub fn on_registered(
        &mut self,
        now: Time,
        seq: HeartbeatSeq,
        taken_over: bool,
        agenda: &mut Agenda,
        timing: &Timing,
    ) -> Change {
        let heartbeat = timing.heartbeat_interval();
        let at = now + agenda.spread(heartbeat / 2, heartbeat);
        agenda.heartbeat(at);
        agenda.poll(now);
        self.note_seq(seq);
        self.phase = Phase::Joined;
        let again = std::mem::replace(&mut self.registered_before, true);
        Change::Joined { taken_over, again }
    }

    /// The row belongs to another process. If that leads, waits for the end of its lease; otherwise takes the row
    /// over, after a pause if a take-over was already `tried`. False if this process is the one that was replaced:
    /// the row was its own, so the other process is newer.
    pub fn on_id_taken(
        &mut self,
        now: Time,
        by: Incarnation,
        leading: bool,
        tried: bool,
        agenda: &mut Agenda,
        timing: &Timing,
    ) -> bool {
        if self.registered_before {
            return false;
        }
        let pause = if tried { timing.heartbeat_interval() / 10 } else { Duration::ZERO };
        let at = now + agenda.spread(pause / 2, pause);
        if leading {
            self.phase = Phase::Waiting;
            agenda.poll(at);
        } else {
            self.phase = Phase::Registering(Some(TakeOver::Follower(by)));
            agenda.retry(at);
        }
        true
    }

    /// While the node waits for its row: takes the row over, or inserts it, unless the row is still a leader's and a
    /// lease is in force until `led_until`.
    pub fn await_row(
        &mut self,
        now: Time,
        snapshot: &Snapshot,
        node: &LocalNode,
        led_until: Option<Time>,
        agenda: &mut Agenda,
        timing: &Timing,
    ) -> Option<Change> {
        let take_over = match (snapshot.node(&node.id), led_until) {
            (None, _) => None,
            (Some(row), _) if node.owns(row) => None,
            (Some(row), _)
                if !row.is_leader()
                    && snapshot.open_term().is_none_or(|term| term.incarnation != row.incarnation) =>
            {
                Some(TakeOver::Follower(row.incarnation))
            }
            (Some(_), Some(until)) => {
                agenda.poll(until.min(now + timing.heartbeat_interval()));
                return Some(Change::IdHeldByLeader { until });
            }
            (Some(row), None) => {
                let incumbent = snapshot.incumbent();
                Some(TakeOver::Leader { incarnation: row.incarnation, incumbent })
            }
        };
        self.phase = Phase::Registering(take_over);
        None
    }

    /// The row was deleted.
    pub fn lose_row(&mut self) {
        self.phase = Phase::Registering(None);
    }

    /// Begins to leave.
    pub fn begin_leaving(
        &mut self,
        now: Time,
        end: Option<EndReason>,
        outcome: Outcome,
        agenda: &mut Agenda,
        timing: &Timing,
    ) {
        // A registration or a claim under way may still take effect, and must not do so after the row was deleted. So
        // the node waits for its reply, or its limit.
        agenda.give_up_unless(|request| matches!(request, Request::Register { .. } | Request::Claim(_)));
        agenda.clear_failures(now);
        self.phase = Phase::Leaving { end, outcome, until: now + timing.stop_limit() };
    }

    /// A step's reply while the node leaves. Returns how the machine ends, if it does.
    pub fn on_reply_leaving(&mut self, reply: &Reply) -> Option<Outcome> {
        match (&self.phase, reply) {
            (Phase::Leaving { outcome, .. }, Reply::Left) => Some(*outcome),
            (_, Reply::Registered { .. }) => {
                // The row exists and can be deleted.
                self.registered_before = true;
                None
            }
            _ => None,
        }
    }

    /// How the machine ends if leaving has taken too long.
    pub fn gives_up_leaving(&self, now: Time) -> Option<Outcome> {
        match self.phase {
            Phase::Leaving { outcome, until, .. } if until <= now => Some(match outcome {
                Outcome::Stopped { .. } => Outcome::Stopped { clean: false },
                Outcome::Replaced => Outcome::Replaced,
            }),
            Phase::Leaving { .. } | Phase::Registering(_) | Phase::Waiting | Phase::Joined | Phase::Ended => {
                None
            }
        }
    }

    /// A step failed.
    pub fn on_failure(&mut self, now: Time, request: &Request, agenda: &mut Agenda) {
        match (&mut self.phase, request) {
            // The step that had to be waited for is over.
            (Phase::Leaving { .. }, Request::Register { .. } | Request::Claim(_)) => agenda.retry(now),
            // As far as this process knows it has never written anything. One attempt to remove its row is enough.
            (Phase::Leaving { until, .. }, Request::Leave { .. }) if !self.registered_before => *until = now,
            // The row to take over may be gone. Only an insert shows that.
            (Phase::Registering(take_over), Request::Register { .. }) => *take_over = None,
            _ => {}
        }
    }

    /// Ends the node's life.
    pub fn end(&mut self) {
        self.phase = Phase::Ended;
    }
}

#[cfg(test)]
mod tests;
