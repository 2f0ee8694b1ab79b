//! One table of a node's tasks and when each is due.

use std::time::Duration;

use super::jitter::Jitter;
use super::message::{Command, Request};
use super::snapshot::EndReason;
use super::term::{Incarnation, Term};
use super::time::Time;
use super::timing::Timing;

/// What a node is doing. It decides which tasks can become due.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Duty {
    /// It inserts its row, or takes it over.
    Register,
    /// It waits until it can take its row over from a leader.
    AwaitRow,
    /// It takes part without leading.
    Follow,
    /// It leads until its lease runs out.
    Lead {
        /// When the lease runs out.
        deadline: Time,
    },
    /// It ends a term of its own that it does not hold.
    EndTerm {
        /// The term.
        term: Term,
        /// Why it ended.
        reason: EndReason,
    },
    /// It removes its row.
    Leave {
        /// When it stops trying.
        until: Time,
    },
    /// Nothing: the machine has ended.
    Nothing,
}

/// A task that becomes due by time alone. A claim is not one: a snapshot leads to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Task {
    /// Insert the node's row, or take it over.
    Register,
    /// Send a heartbeat; a leader's renews its lease.
    Heartbeat,
    /// Read the election's rows.
    Observe,
    /// Delete the rows of dead nodes, and old terms.
    CleanUp,
    /// End a term of its own.
    EndTerm {
        /// The term.
        term: Term,
        /// Why it ended.
        reason: EndReason,
    },
    /// Delete the node's row.
    Leave,
}

/// The database step under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Step {
    /// Identifies the step; its reply carries the same token.
    pub token: u64,
    /// The request that was sent.
    pub request: Request,
    /// When it was sent.
    pub sent: Time,
    /// When the machine gives up on it.
    pub until: Time,
}

/// The timers of one node, and its step under way.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Agenda {
    heartbeat_at: Time,
    poll_at: Option<Time>,
    cleanup_at: Time,
    /// When a failed step other than a heartbeat is tried again.
    retry_at: Time,
    /// How many steps have failed in a row.
    failures: u32,
    /// The next poll is an extra one. It shows whether the leader is late or silent.
    extra_poll: bool,
    in_flight: Option<Step>,
    /// The token of the newest step.
    token: u64,
    jitter: Jitter,
}

impl Agenda {
    /// An agenda on which everything is due now.
    pub fn new(now: Time, incarnation: Incarnation) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "half a random number is as random")]
        let seed = incarnation.0 as u64;
        Self {
            heartbeat_at: now,
            poll_at: Some(now),
            cleanup_at: now,
            retry_at: now,
            failures: 0,
            extra_poll: false,
            in_flight: None,
            token: 0,
            jitter: Jitter::new(seed),
        }
    }

    /// Each task and when it is due, the most urgent first.
    fn items(&self, duty: Duty) -> impl Iterator<Item = (Time, Task)> {
        let retry = |task| Some((self.retry_at, task));
        let heartbeat = Some((self.heartbeat_at, Task::Heartbeat));
        let poll = self.poll_at.map(|at| (at.max(self.retry_at), Task::Observe));
        let cleanup = Some((self.cleanup_at.max(self.retry_at), Task::CleanUp));
        let items = match duty {
            Duty::Register => [retry(Task::Register), None, None],
            Duty::AwaitRow => [poll, None, None],
            Duty::Follow => [heartbeat, poll, None],
            Duty::Lead { .. } => [heartbeat, poll, cleanup],
            Duty::EndTerm { term, reason } => [retry(Task::EndTerm { term, reason }), None, None],
            Duty::Leave { .. } => [retry(Task::Leave), None, None],
            Duty::Nothing => [None, None, None],
        };
        items.into_iter().flatten()
    }

    /// When something is due, if nothing happens before.
    pub fn due(&self, duty: Duty) -> Option<Time> {
        let task = match &self.in_flight {
            Some(step) => Some(step.until),
            None => self.items(duty).map(|(at, _)| at).min(),
        };
        let end = match duty {
            Duty::Nothing => return None,
            Duty::Lead { deadline: end } | Duty::Leave { until: end } => Some(end),
            Duty::Register | Duty::AwaitRow | Duty::Follow | Duty::EndTerm { .. } => None,
        };
        [task, end].into_iter().flatten().min()
    }

    /// Returns the next task that is due, and how long it may take. None while a step is under way.
    pub fn next(&mut self, now: Time, duty: Duty, timing: &Timing) -> Option<(Task, Duration)> {
        if self.in_flight.is_some() {
            return None;
        }
        let due = |agenda: &Self| agenda.items(duty).find(|(at, _)| *at <= now).map(|(_, task)| task);
        let limit = timing.step_limit();
        let (task, limit) = match (due(self), duty) {
            (Some(Task::Heartbeat), Duty::Lead { deadline }) => {
                (Task::Heartbeat, limit.min(deadline.since(now)))
            }
            // A leader ends its other steps before its next renewal is due.
            (task, Duty::Lead { .. }) => {
                let remaining = self.heartbeat_at.since(now);
                if remaining < timing.min_remaining() {
                    self.wait_for_heartbeat();
                    return None;
                }
                (task?, limit.min(remaining))
            }
            (task, Duty::Leave { until }) => (task?, limit.min(until.since(now))),
            (task, _) => (task?, limit),
        };
        match task {
            Task::Heartbeat => self.heartbeat_at = now + timing.heartbeat_interval(),
            Task::Observe => self.poll_at = None,
            Task::CleanUp => self.cleanup_at = now + timing.node_timeout(),
            Task::Register | Task::EndTerm { .. } | Task::Leave => {}
        }
        Some((task, limit))
    }

    /// Puts other steps off until after the heartbeat. A step that is given up costs the connection, which the
    /// renewal needs.
    fn wait_for_heartbeat(&mut self) {
        self.poll_at = self.poll_at.map(|at| at.max(self.heartbeat_at));
        self.cleanup_at = self.cleanup_at.max(self.heartbeat_at);
    }

    /// Records that a step is sent, and returns the command that sends it.
    pub fn send(&mut self, now: Time, request: Request, limit: Duration) -> Command {
        self.token += 1;
        let token = self.token;
        self.in_flight = Some(Step { token, request: request.clone(), sent: now, until: now + limit });
        Command::Send { token, request, limit }
    }

    /// Whether the step under way is a claim.
    pub fn is_claiming(&self) -> bool {
        self.in_flight.as_ref().is_some_and(|step| matches!(step.request, Request::Claim(_)))
    }

    /// Ends the step under way if it has this token. The reply of a step that was given up is ignored.
    pub fn take(&mut self, token: u64) -> Option<Step> {
        self.in_flight.take_if(|step| step.token == token)
    }

    /// Ends the step under way if its limit has passed.
    pub fn take_expired(&mut self, now: Time) -> Option<Step> {
        self.in_flight.take_if(|step| step.until <= now)
    }

    /// Gives up the step under way.
    pub fn give_up(&mut self) {
        self.in_flight = None;
    }

    /// Gives up the step under way, unless the node has to wait for it.
    pub fn give_up_unless(&mut self, awaited: impl FnOnce(&Request) -> bool) {
        self.in_flight.take_if(|step| !awaited(&step.request));
    }

    /// Ends the pause after a failure: the database answered, or the node begins something new.
    pub fn clear_failures(&mut self, now: Time) {
        self.retry_at = now;
        self.failures = 0;
    }

    /// A step failed, or its limit passed. A leader retries quickly, because its lease is running out. Other nodes
    /// back off, because the database may be in trouble.
    pub fn note_failure(&mut self, now: Time, request: &Request, leading: bool, timing: &Timing) {
        let heartbeat = timing.heartbeat_interval();
        let longest = if leading {
            heartbeat / 10
        } else {
            (heartbeat / 10 * 2u32.pow(self.failures.min(4))).min(heartbeat)
        };
        self.failures = self.failures.saturating_add(1);
        let at = now + self.jitter.between(longest / 2, longest);
        self.retry_at = at;
        match request {
            Request::Heartbeat { .. } => self.heartbeat_at = at,
            Request::Observe { .. } | Request::Claim(_) => self.poll_at = Some(at),
            Request::Register { .. }
            | Request::EndTerm { .. }
            | Request::Leave { .. }
            | Request::Cleanup { .. } => {}
        }
    }

    /// Retries failed steps at this time.
    pub fn retry(&mut self, at: Time) {
        self.retry_at = at;
    }

    /// Polls at this time and no earlier.
    pub fn poll(&mut self, at: Time) {
        self.poll_at = Some(at);
    }

    /// Polls at this time at the latest.
    pub fn poll_by(&mut self, at: Time) {
        self.poll_at = Some(self.poll_at.map_or(at, |before| before.min(at)));
    }

    /// Sends the next heartbeat at this time.
    pub fn heartbeat(&mut self, at: Time) {
        self.heartbeat_at = at;
    }

    /// This node became leader by a claim sent at `start`. It renews one interval after that, and cleans up one
    /// interval from now.
    pub fn lead(&mut self, now: Time, start: Time, timing: &Timing) {
        self.heartbeat_at = start + timing.heartbeat_interval();
        self.cleanup_at = now + timing.heartbeat_interval();
    }

    /// This node takes part again. It sends a heartbeat and observes at once.
    pub fn resume(&mut self, now: Time) {
        self.heartbeat_at = now;
        self.poll_at = Some(now);
    }

    /// How long a node backs off after the first claim or lease that it lost because an answer came too late.
    pub fn back_off(&mut self, timing: &Timing) -> Duration {
        let heartbeat = timing.heartbeat_interval();
        self.spread(heartbeat, 2 * heartbeat)
    }

    /// A random span of at least `low` and less than `high`.
    pub fn spread(&mut self, low: Duration, high: Duration) -> Duration {
        self.jitter.between(low, high)
    }

    /// Another node's lease is in force. This node polls when it runs out, and once before if the leader seems
    /// silent.
    ///
    /// A leader that has not renewed for about an interval is observed once more, so that its silence is noticed before
    /// its lease runs out. If that extra read shows a renewal, the two nodes heartbeat in phase: this node's next
    /// heartbeat comes a tenth of an interval later, once, so that the extra read is not needed again.
    pub fn follow(&mut self, now: Time, seen_at: Time, expires: Time, timing: &Timing) {
        self.poll_by(expires);
        let tenth = timing.heartbeat_interval() / 10;
        let extra = std::mem::take(&mut self.extra_poll);
        if now < seen_at + 9 * tenth {
            if extra {
                self.heartbeat_at = self.heartbeat_at + tenth;
            }
            return;
        }
        let again = (seen_at + 12 * tenth).min(expires);
        if now < again {
            self.extra_poll = true;
            self.poll_by(again);
        }
    }

    /// No lease is in force. This node polls again soon, with jitter. If only `own_from` keeps it from claiming, it
    /// polls at that time.
    pub fn await_turn(&mut self, now: Time, own_from: Option<Time>, timing: &Timing) {
        self.extra_poll = false;
        let heartbeat = timing.heartbeat_interval();
        let again = now + self.spread(heartbeat / 10, heartbeat / 5);
        self.poll_by(again);
        if let Some(at) = own_from {
            self.poll_at = Some(at.min(again));
        }
    }

    /// A wake-up. The `next` leader polls at once. The others wait for a random moment, so that they do not all read
    /// at the same time.
    pub fn wake(&mut self, now: Time, next: bool, timing: &Timing) {
        let spread = if next { Duration::ZERO } else { timing.heartbeat_interval() / 50 };
        let at = now + self.spread(Duration::ZERO, spread);
        self.poll_by(at);
    }
}

#[cfg(test)]
mod set_up;
#[cfg(test)]
mod tests;
