//! What a node publishes about the election. Nothing here decides anything.

use std::time::Duration;

use super::lease::ObservedLease;
use super::snapshot::{EndReason, Snapshot};
use super::term::{LeadershipId, Term};
use super::time::Time;

/// What a node does in the election.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// It leads.
    Leader,
    /// It sees no leader. It campaigns, or waits for a better candidate.
    Candidate,
    /// Another node leads, or this one has not joined yet.
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
    /// When its lease is expected to run out.
    pub expires: Time,
}

/// What a node publishes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeState {
    /// Its role.
    pub role: Role,
    /// Whether its own row is in the database.
    pub registered: bool,
    /// The highest term it has seen.
    pub highest_term: Term,
    /// The leader it sees. None if it leads itself, or if no lease is in force.
    pub leader: Option<ObservedLeader>,
    /// The node that would lead next, as of the last snapshot.
    pub next_leader: Option<String>,
    /// The last term that it saw end.
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

/// Leaders past and present, as this node has seen them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct History {
    /// When this node last saw a renewal, or the term, of a leader that is gone.
    leader_seen: Option<Time>,
    leader: Option<ObservedLeader>,
    last_end: Option<EndedTerm>,
}

impl History {
    /// The other node whose lease is in force at `now`.
    pub fn leader(&self, now: Time) -> Option<&ObservedLeader> {
        self.leader.as_ref().filter(|leader| now < leader.expires)
    }

    /// The last term that this node saw end.
    pub fn last_end(&self) -> Option<&EndedTerm> {
        self.last_end.as_ref()
    }

    /// How long there has been no leader. None if this node has never seen one.
    pub fn leaderless(&self, now: Time) -> Option<Duration> {
        self.leader_seen.map(|seen| now.since(seen))
    }

    /// A snapshot has arrived, and this lease is in force now. Notes how the lease before it ended.
    pub fn note_lease(&mut self, now: Time, in_force: Option<&ObservedLease>, snapshot: &Snapshot) {
        let before = self.leader.take();
        self.leader = in_force.map(|lease| ObservedLeader {
            id: lease.leader_id.clone(),
            leadership: lease.leadership,
            seen_at: lease.seen_at,
            expires: lease.expires,
        });
        let present = in_force.map(|lease| lease.leadership);
        let Some(before) = before.filter(|before| present != Some(before.leadership)) else { return };
        let row = snapshot.terms.iter().find(|term| term.leadership() == before.leadership);
        let ended = row.and_then(|term| term.end_reason);
        // A leader that ended its term led until now; one that fell silent counts until its last renewal.
        self.leader_seen = Some(if ended.is_some() { now } else { before.seen_at });
        self.last_end = Some(EndedTerm {
            term: before.leadership.term,
            leader_id: before.id,
            reason: ended.unwrap_or(EndReason::Expired),
        });
    }

    /// This node no longer leads.
    pub fn note_own_end(&mut self, now: Time, end: EndedTerm) {
        self.leader_seen = Some(now);
        self.last_end = Some(end);
    }
}
