//! What is told about the election. Nothing here decides anything.

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
    /// It sees no leader and campaigns, or waits for a better candidate.
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
    /// Who would lead next, as of the last snapshot.
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

/// Leaders past and present, as this node has seen them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct History {
    /// When this node last saw a sign of life of a leader that is gone.
    leader_seen: Option<Time>,
    leader: Option<ObservedLeader>,
    last_end: Option<EndedTerm>,
}

impl History {
    /// The other node whose lease is in force at `now`.
    pub fn leader(&self, now: Time) -> Option<&ObservedLeader> {
        self.leader.as_ref().filter(|leader| now < leader.expires)
    }

    /// The term that was last seen to end.
    pub fn last_end(&self) -> Option<&EndedTerm> {
        self.last_end.as_ref()
    }

    /// How long there has been no leader; none where this node has never seen one.
    pub fn leaderless(&self, now: Time) -> Option<Duration> {
        self.leader_seen.map(|seen| now.since(seen))
    }

    /// A snapshot was taken in: this lease is in force now. Notes how the one before it ended.
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
        // A leader that ended its term was there until now; one that fell silent, until its last renewal.
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
