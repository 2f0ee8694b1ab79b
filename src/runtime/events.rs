//! Makes the events: from the announcements of the rules, from the node's view, and from the results of its requests.

use std::collections::HashMap;
use std::time::Duration;

use protocol::{Change, ClaimRejected, LeadershipId, Lease, NodeState, ObservedLeader, Time, Timing};

use crate::event::{ClaimRejection, EndReason, EndedTerm, Event, LossReason};

/// A reason for a failure is not reported again before this.
const REPEAT_AFTER: Duration = Duration::from_secs(30);

/// How many different reasons one outage keeps. Messages that differ each time must not fill the memory.
const MOST_REASONS: usize = 32;

/// The events announced last, so that none is repeated.
#[derive(Debug)]
pub(super) struct EventSource {
    timing: Timing,
    /// The leadership of another node that was announced last.
    followed: Option<LeadershipId>,
    silence: Option<Silence>,
    outage: Option<Outage>,
    waits_for_id: bool,
}

/// A leader's silence, as last announced.
#[derive(Debug)]
struct Silence {
    leadership: LeadershipId,
    seen_at: Time,
    reported: Duration,
}

/// Since when the database has not answered, and when each reason was last announced.
#[derive(Debug)]
struct Outage {
    since: Time,
    reasons: HashMap<String, Time>,
}

impl EventSource {
    pub fn new(timing: Timing) -> Self {
        Self { timing, followed: None, silence: None, outage: None, waits_for_id: false }
    }

    /// The changes in the node's view. Whether a leader is silent is known only right after the node has `observed`
    /// the rows: between two reads there may be a renewal that was not read yet.
    pub fn state(&mut self, now: Time, node: &NodeState, leads: bool, observed: bool) -> Vec<Event> {
        let Some(leader) = &node.leader else {
            if leads {
                self.followed = None;
            }
            return Vec::new();
        };
        let silent = if observed { self.silent(now, leader, node) } else { None };
        self.following(leader, node).into_iter().chain(silent).collect()
    }

    fn following(&mut self, leader: &ObservedLeader, node: &NodeState) -> Option<Event> {
        if self.followed.replace(leader.leadership) == Some(leader.leadership) {
            return None;
        }
        let term = leader.leadership.term;
        let previous = node.last_end.as_ref().filter(|ended| ended.term < term).map(ended_term);
        Some(Event::Following { leader: leader.id.clone(), term, previous })
    }

    /// A leader whose heartbeat is overdue; at most once per heartbeat interval.
    fn silent(&mut self, now: Time, leader: &ObservedLeader, node: &NodeState) -> Option<Event> {
        let heartbeat = self.timing.heartbeat_interval();
        let silent_for = now.since(leader.seen_at);
        let reported = self
            .silence
            .as_ref()
            .filter(|silence| (silence.leadership, silence.seen_at) == (leader.leadership, leader.seen_at))
            .map(|silence| silence.reported);
        let overdue = silent_for >= heartbeat + heartbeat / 6;
        if !overdue || reported.is_some_and(|before| silent_for < before + heartbeat) {
            return None;
        }
        self.silence =
            Some(Silence { leadership: leader.leadership, seen_at: leader.seen_at, reported: silent_for });
        Some(Event::LeaderSilent {
            leader: leader.id.clone(),
            term: leader.leadership.term,
            silent_for,
            lease_left: leader.expires.since(now),
            next_leader: node.next_leader.clone(),
        })
    }

    /// The event for a change that the rules announce.
    pub fn change(&mut self, now: Time, change: Change, node: &NodeState) -> Option<Event> {
        Some(match change {
            Change::Joined { taken_over, again } => {
                self.waits_for_id = false;
                Event::Joined { taken_over, again }
            }
            Change::IdHeldByLeader { until } => {
                if std::mem::replace(&mut self.waits_for_id, true) {
                    return None;
                }
                Event::IdHeldByLeader { lease_left: until.since(now) }
            }
            Change::BecameLeader { term, leaderless } => {
                Event::BecameLeader { term, leaderless, previous: node.last_end.as_ref().map(ended_term) }
            }
            Change::LostLeadership { term, reason } => {
                self.followed = None;
                Event::LostLeadership { term, reason: loss_reason(reason) }
            }
            Change::ClaimRejected(why) => Event::ClaimRejected { reason: claim_rejection(why) },
            Change::Cleaned { nodes, terms } => Event::RowsCleaned { nodes, terms },
        })
    }

    /// A request failed. Each reason is announced once, and again if it lasts.
    pub fn failed(&mut self, now: Time, reason: String, lease: Option<Lease>) -> Option<Event> {
        let outage = self.outage.get_or_insert_with(|| Outage { since: now, reasons: HashMap::new() });
        match outage.reasons.get(&reason) {
            Some(reported) if now.since(*reported) < REPEAT_AFTER => return None,
            None if outage.reasons.len() == MOST_REASONS => return None,
            Some(_) | None => drop(outage.reasons.insert(reason.clone(), now)),
        }
        // After a pause the failure may be seen before the end of the lease is.
        let lease = lease.filter(|lease| now < lease.deadline);
        Some(Event::DatabaseUnreachable {
            reason,
            term: lease.map(|lease| lease.term),
            lease_left: lease.map(|lease| lease.deadline.since(now)),
        })
    }

    /// A request was answered.
    pub fn answered(&mut self, now: Time) -> Option<Event> {
        self.outage.take().map(|outage| Event::DatabaseReachable { after: now.since(outage.since) })
    }
}

fn ended_term(ended: &protocol::EndedTerm) -> EndedTerm {
    let reason = match ended.reason {
        protocol::EndReason::Resigned => EndReason::Resigned,
        protocol::EndReason::Transferred => EndReason::Transferred,
        protocol::EndReason::Preempted => EndReason::Preempted,
        protocol::EndReason::Lapsed => EndReason::Lapsed,
        protocol::EndReason::Expired => EndReason::Expired,
        protocol::EndReason::Replaced => EndReason::Replaced,
    };
    EndedTerm::new(ended.term, ended.leader_id.clone(), reason)
}

fn loss_reason(reason: protocol::LossReason) -> LossReason {
    match reason {
        protocol::LossReason::ShuttingDown => LossReason::ShuttingDown,
        protocol::LossReason::Lapsed => LossReason::Lapsed,
        protocol::LossReason::Deposed => LossReason::Deposed,
        protocol::LossReason::Replaced => LossReason::Replaced,
    }
}

fn claim_rejection(why: ClaimRejected) -> ClaimRejection {
    match why {
        ClaimRejected::IncumbentChanged => ClaimRejection::IncumbentChanged,
        ClaimRejected::BetterCandidate(id) => ClaimRejection::BetterCandidate(id),
        ClaimRejected::OwnRowChanged => ClaimRejection::OwnRowChanged,
        ClaimRejected::Raced => ClaimRejection::Raced,
    }
}

#[cfg(test)]
mod tests;
