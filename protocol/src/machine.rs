//! One node: what it is doing, what it waits for, and what it does next.

use std::time::Duration;

use super::jitter::Jitter;
use super::message::{Belief, Change, Claim, Command, Event, LossReason, Outcome, Request, TakeOver};
use super::observation::Observations;
use super::peers::Peers;
use super::snapshot::{EndReason, Snapshot};
use super::term::{HeartbeatSeq, Incarnation, LeadershipId, Term};
use super::time::Time;
use super::timing::Timing;

mod looking;
mod replying;
#[cfg(test)]
mod simulation_finds;
#[cfg(test)]
mod tests;

/// Who this node is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LocalNode {
    /// The id it takes part under.
    pub id: String,
    /// This run of its process.
    pub incarnation: Incarnation,
}

/// A leadership held by this node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lease {
    /// The term.
    pub term: Term,
    /// When this node took it up.
    pub since: Time,
    /// The end of the lease: L after the last successful renewal was sent. The node leads while the clock is
    /// before it, and not a moment longer; nothing stores "I am leader".
    pub deadline: Time,
}

/// What a node does in the election.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// It leads.
    Leader,
    /// It sees no leader and stands, or waits for a better node to.
    Candidate,
    /// Somebody else leads, or it has not joined yet.
    Follower,
}

/// A leader, as another node sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ObservedLeader {
    /// Its node id.
    pub id: String,
    /// Its leadership.
    pub leadership: LeadershipId,
    /// When its newest renewal was first seen.
    pub seen_at: Time,
    /// When its lease is taken to run out.
    pub expires: Time,
}

/// What a node knows, for publishing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeState {
    /// Its role.
    pub role: Role,
    /// Whether its own row is there.
    pub registered: bool,
    /// The highest term it has seen.
    pub highest_term: Term,
    /// The leader it sees; none where it leads itself or nobody's lease is in force.
    pub leader: Option<ObservedLeader>,
    /// Who would lead next as of the last look.
    pub next_leader: Option<String>,
    /// The term that was last seen to end.
    pub last_end: Option<EndedTerm>,
}

/// A term that is over.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct EndedTerm {
    /// The term.
    pub term: Term,
    /// The node that led it.
    pub leader_id: String,
    /// Why it ended.
    pub reason: EndReason,
}

/// What the machine is up to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Phase {
    /// The own row is not there, or not ours.
    Joining(Joining),
    /// The own row is there; this node takes part.
    Joined,
    /// Going away: what is left to be cleaned up, and until when that is tried.
    Leaving { end: Option<EndReason>, outcome: Outcome, until: Time },
    /// Gone.
    Ended,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Joining {
    /// Insert the row, or take it over.
    Register(Option<TakeOver>),
    /// The row is another process's that leads: wait as everybody does.
    Waiting(Incarnation),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct InFlight {
    token: u64,
    request: Request,
    sent: Time,
    until: Time,
}

/// A term of this incarnation that it does not hold (lapsed, deposed, or a claim whose reply was lost).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Unheld {
    term: Term,
    reason: EndReason,
}

/// The state machine of one node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Machine {
    node: LocalNode,
    timing: Timing,
    jitter: Jitter,
    phase: Phase,
    /// Whether the own row was there before: a row that is another's then means that this process is replaced.
    registered_before: bool,
    lease: Option<Lease>,
    unheld: Option<Unheld>,
    /// A claim's reply was lost, and no look since has told what became of it.
    claim_unknown: bool,
    in_flight: Option<InFlight>,
    token: u64,
    observations: Observations,
    peers: Peers,
    vacant: bool,
    /// A claim made ready by the look just taken in.
    claim: Option<Claim>,
    highest_term: Term,
    /// No lower than any heartbeat counter this incarnation may have written.
    beats: HeartbeatSeq,
    /// When this node last saw a sign of a leader.
    leader_seen: Option<Time>,
    last_end: Option<EndedTerm>,
    seen_leader: Option<ObservedLeader>,
    /// The leader had not moved since then, and one more look is to tell whether it is late or silent.
    overdue: Option<Time>,
    next_leader: Option<String>,
    heartbeat_at: Time,
    look_at: Option<Time>,
    cleanup_at: Time,
    /// Not before then does this node stand.
    stand_from: Time,
    /// When a failed step other than a heartbeat is tried again.
    retry_at: Time,
    failures: u32,
    /// How often in a row a claim or a lease was lost to slowness.
    hesitations: u32,
}

impl Machine {
    /// A node that has not joined yet. It acts at the first event.
    pub fn new(now: Time, node: LocalNode, timing: Timing) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "half a random number is as random")]
        let jitter = Jitter::new(node.incarnation.0 as u64);
        Self {
            node,
            timing,
            jitter,
            phase: Phase::Joining(Joining::Register(None)),
            registered_before: false,
            lease: None,
            unheld: None,
            claim_unknown: false,
            in_flight: None,
            token: 0,
            observations: Observations::default(),
            peers: Peers::default(),
            vacant: false,
            claim: None,
            highest_term: Term::NONE,
            beats: HeartbeatSeq::ZERO,
            leader_seen: None,
            last_end: None,
            seen_leader: None,
            overdue: None,
            next_leader: None,
            heartbeat_at: now,
            look_at: Some(now),
            cleanup_at: now,
            stand_from: now,
            retry_at: now,
            failures: 0,
            hesitations: 0,
        }
    }

    /// Takes an event in and says what is to be done about it, in this order.
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Command> {
        let mut out = Vec::new();
        self.expire(now, &mut out);
        match event {
            Event::Tick => {}
            Event::Wake => self.wake(now),
            Event::Stop => self.stop(now, &mut out),
            Event::Reply { token, reply } => {
                // A reply of a step that was given up means nothing, whatever it says.
                if let Some(step) = self.in_flight.take_if(|step| step.token == token) {
                    match reply {
                        Some(reply) => self.replied(now, step, reply, &mut out),
                        None => self.failed(now, &step.request),
                    }
                }
            }
        }
        self.proceed(now, &mut out);
        out
    }

    /// The leadership this node holds; whoever asks compares its deadline with the clock.
    pub fn lease(&self) -> Option<Lease> {
        self.lease
    }

    /// What the node knows at `now`.
    pub fn outlook(&self, now: Time) -> NodeState {
        let joined = self.phase == Phase::Joined;
        let leads = self.lease.is_some_and(|lease| now < lease.deadline);
        NodeState {
            role: match (leads, joined && self.vacant) {
                (true, _) => Role::Leader,
                (false, true) => Role::Candidate,
                (false, false) => Role::Follower,
            },
            registered: joined,
            highest_term: self.highest_term,
            leader: self.seen_leader.clone().filter(|leader| !leads && now < leader.expires),
            next_leader: self.next_leader.clone(),
            last_end: self.last_end.clone(),
        }
    }

    /// When the machine wants a tick, if nothing else happens before.
    pub fn due(&self) -> Option<Time> {
        let deadline = self.lease.map(|lease| lease.deadline);
        let step = match (&self.in_flight, &self.phase) {
            (_, Phase::Ended) => return None,
            (Some(step), _) => Some(step.until),
            (None, Phase::Joining(Joining::Register(_))) => Some(self.retry_at),
            (None, Phase::Joining(Joining::Waiting(_))) => self.look_at.map(|at| at.max(self.retry_at)),
            (None, Phase::Leaving { until, .. }) => Some(self.retry_at.min(*until)),
            (None, Phase::Joined) if self.lease.is_some() => {
                let look = self.look_at.map(|at| at.max(self.retry_at));
                let cleanup = self.cleanup_at.max(self.retry_at);
                [Some(self.heartbeat_at), look, Some(cleanup)].into_iter().flatten().min()
            }
            (None, Phase::Joined) if self.unheld.is_some() => Some(self.retry_at),
            (None, Phase::Joined) => {
                let look = self.look_at.map(|at| at.max(self.retry_at));
                [Some(self.heartbeat_at), look].into_iter().flatten().min()
            }
        };
        let until = if let Phase::Leaving { until, .. } = self.phase { Some(until) } else { None };
        [deadline, step, until].into_iter().flatten().min()
    }

    /// What time alone has ended: the lease, the step under way, the patience of a stop.
    fn expire(&mut self, now: Time, out: &mut Vec<Command>) {
        if self.lease.is_some_and(|lease| lease.deadline <= now) {
            // Whatever the renewal under way says, it says too late.
            self.in_flight = None;
            self.peers.missed();
            self.hesitate(now);
            self.step_down(now, LossReason::Lapsed, EndReason::Lapsed, out);
        }
        if let Some(step) = self.in_flight.take_if(|step| step.until <= now) {
            self.failed(now, &step.request);
        }
    }

    /// Ends the own leadership locally, at once; its term is to be ended as soon as the database answers.
    fn step_down(&mut self, now: Time, cause: LossReason, reason: EndReason, out: &mut Vec<Command>) {
        if let Some(lease) = self.lease.take() {
            self.unheld = Some(Unheld { term: lease.term, reason });
            self.last_end = Some(EndedTerm { term: lease.term, leader_id: self.node.id.clone(), reason });
            self.leader_seen = Some(now);
            self.vacant = false;
            self.retry_at = now;
            self.failures = 0;
            out.push(Command::Announce(Change::LostLeadership { term: lease.term, reason: cause }));
        }
    }

    /// Backs off before standing again, further each time: otherwise a slow best node keeps the others waiting for
    /// ever.
    fn hesitate(&mut self, now: Time) {
        let heartbeat = self.timing.heartbeat_interval();
        let span = self.jitter.between(heartbeat, 2 * heartbeat) * 2u32.pow(self.hesitations.min(2));
        self.hesitations = self.hesitations.saturating_add(1);
        self.stand_from = self.stand_from.max(now + span);
    }

    fn wake(&mut self, now: Time) {
        // The first in line looks at once; a crowd of others need not all do so in the same millisecond.
        let first = self.next_leader.as_ref().is_none_or(|id| *id == self.node.id);
        let spread = if first { Duration::ZERO } else { self.timing.heartbeat_interval() / 50 };
        let at = now + self.jitter.between(Duration::ZERO, spread);
        self.look_at = Some(self.look_at.map_or(at, |before| before.min(at)));
    }

    fn stop(&mut self, now: Time, out: &mut Vec<Command>) {
        let held = self.lease.is_some() || self.unheld.is_some();
        match self.phase {
            Phase::Leaving { .. } | Phase::Ended => return,
            // Nothing was ever written.
            Phase::Joining(Joining::Waiting(_)) if !held => {
                return self.end(Outcome::Stopped { clean: true }, out);
            }
            Phase::Joining(_) | Phase::Joined => {}
        }
        let reason = self.unheld.map_or(EndReason::Resigned, |unheld| unheld.reason);
        self.step_down(now, LossReason::ShuttingDown, EndReason::Resigned, out);
        let claiming = self.in_flight.as_ref().is_some_and(|step| matches!(step.request, Request::Claim(_)));
        let end = (held || claiming || self.claim_unknown).then_some(reason);
        self.leave(now, end, Outcome::Stopped { clean: true });
    }

    fn leave(&mut self, now: Time, end: Option<EndReason>, outcome: Outcome) {
        // A registration or a claim under way may still take effect, and should not do so after the row was deleted:
        // its reply, or its limit, is waited for.
        self.in_flight.take_if(|step| !matches!(step.request, Request::Register { .. } | Request::Claim(_)));
        self.retry_at = now;
        self.failures = 0;
        self.phase = Phase::Leaving { end, outcome, until: now + self.timing.stop_limit() };
    }

    fn end(&mut self, outcome: Outcome, out: &mut Vec<Command>) {
        self.in_flight = None;
        self.phase = Phase::Ended;
        out.push(Command::End(outcome));
    }

    /// Sends the next step, if none is under way and one is due.
    fn proceed(&mut self, now: Time, out: &mut Vec<Command>) {
        if let Phase::Leaving { outcome, until, .. } = self.phase
            && until <= now
        {
            let outcome = match outcome {
                Outcome::Stopped { .. } => Outcome::Stopped { clean: false },
                Outcome::Replaced => Outcome::Replaced,
            };
            return self.end(outcome, out);
        }
        let claim = self.claim.take();
        if self.in_flight.is_some() {
            return;
        }
        let Some((request, limit)) = self.next(now, claim) else { return };
        self.token += 1;
        self.in_flight =
            Some(InFlight { token: self.token, request: request.clone(), sent: now, until: now + limit });
        out.push(Command::Send { token: self.token, request, limit });
    }

    fn next(&mut self, now: Time, claim: Option<Claim>) -> Option<(Request, Duration)> {
        let limit = self.timing.step_limit();
        let may_retry = self.retry_at <= now;
        let look_due = self.look_at.is_some_and(|at| at <= now) && may_retry;
        match &self.phase {
            Phase::Ended => None,
            Phase::Leaving { end, until, .. } => {
                may_retry.then(|| (Request::Leave { end: *end }, limit.min(until.since(now))))
            }
            Phase::Joining(Joining::Register(take_over)) => {
                may_retry.then(|| (Request::Register { take_over: take_over.clone() }, limit))
            }
            Phase::Joining(Joining::Waiting(_)) => look_due.then(|| (self.observe(), limit)),
            Phase::Joined => match (self.lease, self.unheld) {
                (Some(lease), _) => self.next_as_leader(now, lease, look_due),
                (None, Some(Unheld { term, reason })) => {
                    may_retry.then_some((Request::EndTerm { term, reason }, limit))
                }
                (None, None) => match claim {
                    Some(claim) => Some((Request::Claim(claim), self.timing.claim_limit())),
                    None if self.heartbeat_at <= now => Some((self.beat(now, None), limit)),
                    None => look_due.then(|| (self.observe(), limit)),
                },
            },
        }
    }

    /// A leader's other steps end before its next renewal is due.
    fn next_as_leader(&mut self, now: Time, lease: Lease, look_due: bool) -> Option<(Request, Duration)> {
        let limit = self.timing.step_limit();
        if self.heartbeat_at <= now {
            return Some((self.beat(now, Some(lease.term)), limit.min(lease.deadline.since(now))));
        }
        let room = self.heartbeat_at.since(now);
        let cleanup_due = self.cleanup_at.max(self.retry_at) <= now;
        if room < self.timing.min_remaining() {
            // Cut off after a moment, the step would cost the connection that the renewal needs.
            self.look_at = self.look_at.map(|at| at.max(self.heartbeat_at));
            self.cleanup_at = self.cleanup_at.max(self.heartbeat_at);
            return None;
        }
        let limit = limit.min(room);
        if look_due {
            return Some((self.observe(), limit));
        }
        if cleanup_due {
            self.cleanup_at = now + self.timing.node_timeout();
            return Some((Request::Cleanup { older_than: 2 * self.timing.node_timeout() }, limit));
        }
        None
    }

    fn beat(&mut self, now: Time, term: Option<Term>) -> Request {
        let seq_floor = self.beats;
        self.beats = self.beats.next();
        self.heartbeat_at = now + self.timing.heartbeat_interval();
        let belief = match term {
            Some(term) => Belief::Leader(term),
            None if self.vacant => Belief::Candidate,
            None => Belief::Follower,
        };
        Request::Heartbeat { belief, seq_floor }
    }

    fn observe(&mut self) -> Request {
        self.look_at = None;
        let terms = self.observations.terms();
        Request::Observe { terms }
    }

    /// Takes a look's news in that matter in every phase.
    fn learn(&mut self, now: Time, view: &Snapshot) {
        self.highest_term = self.highest_term.max(view.highest_term());
        if let Some(own) = view.node(&self.node.id).filter(|row| row.incarnation == self.node.incarnation) {
            self.beats = self.beats.max(own.heartbeat_seq);
        }
        self.peers.observe(now, view, &self.node.id, &self.timing);
        for term in view.terms.iter().filter(|term| term.end_reason == Some(EndReason::Expired)) {
            self.peers.fell_silent(&term.leader_id, term.incarnation);
        }
        self.observations.observe(now, view, self.node.incarnation, self.timing.lease_duration());
    }
}
