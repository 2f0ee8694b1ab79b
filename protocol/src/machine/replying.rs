//! What a database step's reply, or its failure, changes.

use std::time::Duration;

use super::super::message::{Belief, Change, Command, LossReason, Outcome, Reply, Request, TakeOver};
use super::super::mutation::{self, Mutation};
use super::super::snapshot::EndReason;
use super::super::term::{HeartbeatSeq, Incarnation, Term};
use super::super::time::Time;
use super::{InFlight, Joining, Lease, Machine, Phase};

impl Machine {
    pub(super) fn replied(&mut self, now: Time, step: InFlight, reply: Reply, out: &mut Vec<Command>) {
        self.failures = 0;
        self.retry_at = now;
        let counted_from = if mutation::broken(Mutation::LeaseFromReply) { now } else { step.sent };
        if let Phase::Leaving { outcome, .. } = self.phase {
            match reply {
                Reply::Left => self.end(outcome, out),
                Reply::Registered { .. } => self.registered_before = true,
                _ => {}
            }
            return;
        }
        match (reply, step.request) {
            (Reply::Registered { seq }, Request::Register { take_over }) => {
                self.registered(now, seq, take_over.is_some(), out);
            }
            (Reply::IdTaken { incarnation, leading }, Request::Register { take_over }) => {
                self.occupied(now, incarnation, leading, take_over.is_some(), out);
            }
            (Reply::HeartbeatAck { seq }, Request::Heartbeat { belief, .. }) => {
                self.beaten(now, counted_from, belief, seq)
            }
            (Reply::Snapshot(view), Request::Observe { .. }) => {
                let read_at = if mutation::broken(Mutation::ExpiryFromSend) { step.sent } else { now };
                self.looked(read_at, &view, out);
            }
            (Reply::Claimed { term }, Request::Claim(_)) => self.claimed(now, counted_from, term, out),
            (Reply::ClaimRejected(lost), Request::Claim(_)) => {
                let heartbeat = self.timing.heartbeat_interval();
                let pause = self.jitter.between(heartbeat / 20, heartbeat / 10);
                self.stand_from = self.stand_from.max(now + pause);
                self.look_at = Some(now);
                out.push(Command::Announce(Change::ClaimRejected(lost)));
            }
            (Reply::TermEnded, Request::EndTerm { .. }) => {
                self.unheld = None;
                self.heartbeat_at = now;
                self.look_at = Some(now);
            }
            (Reply::Cleaned { nodes, terms }, Request::Cleanup { .. }) => {
                if nodes + terms > 0 {
                    out.push(Command::Announce(Change::Cleaned { nodes, terms }));
                }
            }
            // The store never answers a step with another step's reply; if it did, its effect would be unknown.
            (_, request) => self.failed(now, &request),
        }
    }

    /// A step failed, or its limit passed: it may or may not have taken effect.
    pub(super) fn failed(&mut self, now: Time, request: &Request) {
        self.peers.missed();
        let heartbeat = self.timing.heartbeat_interval();
        // A leader has a lease to save; everybody else spares a database that may be in trouble.
        let longest = if self.lease.is_some() {
            heartbeat / 10
        } else {
            (heartbeat / 10 * 2u32.pow(self.failures.min(4))).min(heartbeat)
        };
        self.failures = self.failures.saturating_add(1);
        let at = now + self.jitter.between(longest / 2, longest);
        self.retry_at = at;
        match request {
            Request::Heartbeat { .. } => self.heartbeat_at = at,
            Request::Observe { .. } => self.look_at = Some(at),
            Request::Claim(_) => {
                self.claim_unknown = true;
                self.look_at = Some(at);
                self.hesitate(now);
            }
            Request::Register { .. } => {
                // The row that was to be taken over may be gone: only an insert finds out.
                if let Phase::Joining(Joining::Register(take_over)) = &mut self.phase {
                    *take_over = None;
                }
            }
            Request::EndTerm { .. } | Request::Leave { .. } | Request::Cleanup { .. } => {}
        }
        if let Phase::Leaving { until, .. } = &mut self.phase {
            match request {
                Request::Register { .. } | Request::Claim(_) => self.retry_at = now,
                // As far as this process knows it has never written anything: one attempt to remove it is enough.
                Request::Leave { .. } if !self.registered_before => *until = now,
                _ => {}
            }
        }
    }

    fn registered(&mut self, now: Time, seq: HeartbeatSeq, taken_over: bool, out: &mut Vec<Command>) {
        self.beats = self.beats.max(seq);
        self.phase = Phase::Joined;
        self.stand_from = self.stand_from.max(now + self.timing.startup_delay());
        let heartbeat = self.timing.heartbeat_interval();
        self.heartbeat_at = now + self.jitter.between(heartbeat / 2, heartbeat);
        self.look_at = Some(now);
        out.push(Command::Announce(Change::Joined { taken_over, again: self.registered_before }));
        self.registered_before = true;
    }

    fn occupied(
        &mut self,
        now: Time,
        incarnation: Incarnation,
        leading: bool,
        tried: bool,
        out: &mut Vec<Command>,
    ) {
        if self.registered_before {
            // The row was ours, went, and is another process's now: that one is the newer.
            return self.replaced(now, None, out);
        }
        let pause = if tried { self.timing.heartbeat_interval() / 10 } else { Duration::ZERO };
        let at = now + self.jitter.between(pause / 2, pause);
        if leading {
            self.phase = Phase::Joining(Joining::Waiting(incarnation));
            self.look_at = Some(at);
        } else {
            self.phase = Phase::Joining(Joining::Register(Some(TakeOver::Follower(incarnation))));
            self.retry_at = at;
        }
    }

    fn beaten(&mut self, now: Time, sent: Time, belief: Belief, seq: Option<HeartbeatSeq>) {
        self.look_at = Some(now);
        let Some(seq) = seq else {
            // No row means look; a leader renews again if the look finds nothing wrong.
            if self.lease.is_some() {
                self.heartbeat_at = now + self.timing.heartbeat_interval() / 4;
            }
            return;
        };
        self.beats = self.beats.max(seq);
        let Some(lease) = self.lease.as_mut().filter(|lease| belief == Belief::Leader(lease.term)) else {
            return;
        };
        lease.deadline = lease.deadline.max(sent + self.timing.renew_deadline());
        self.hesitations = 0;
        self.peers.settled();
    }

    fn claimed(&mut self, now: Time, sent: Time, term: Term, out: &mut Vec<Command>) {
        let leaderless = self.leader_seen.map(|seen| now.since(seen));
        self.lease = Some(Lease { term, since: now, deadline: sent + self.timing.renew_deadline() });
        self.highest_term = self.highest_term.max(term);
        self.vacant = false;
        self.seen_leader = None;
        self.next_leader = None;
        self.heartbeat_at = sent + self.timing.heartbeat_interval();
        self.cleanup_at = now + self.timing.heartbeat_interval();
        out.push(Command::Announce(Change::BecameLeader { term, leaderless }));
    }

    /// Another process has this node's row: this one ends, and closes a term of its own on the way.
    pub(super) fn replaced(&mut self, now: Time, end: Option<EndReason>, out: &mut Vec<Command>) {
        let held = self.lease.is_some() || self.unheld.is_some() || self.claim_unknown;
        self.step_down(now, LossReason::Replaced, EndReason::Replaced, out);
        let end = end.or_else(|| held.then_some(EndReason::Replaced));
        match end {
            Some(_) => self.leave(now, end, Outcome::Replaced),
            None => self.end(Outcome::Replaced, out),
        }
    }
}
