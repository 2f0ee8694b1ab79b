//! Who may lead.
//!
//! A node leads only while all of this holds:
//!
//! | | condition | where |
//! |---|---|---|
//! | 1 | No lease of another node is in force: its own term's row shows its end, or it ran out by this node's clock. | [`Leases::in_force`](super::lease::Leases::in_force) |
//! | 2 | The node is registered, has ended every term of its own, and is not backing off. | [`Tenure`](super::tenure::Tenure), [`Candidacy::campaign`] |
//! | 3 | It is the preferred candidate: the ended term's successor, or else the best-ranked eligible live node. | [`Electorate::preferred_candidate`] |
//! | 4 | Every better candidate was waited for and did not act: it is skipped. | [`Peers::skip_if_overdue`] |
//! | 5 | All of that holds in what the claim's transaction reads under the election's lock, the old leader's row in the very version that was waited out. | [`Claim::check`] |
//! | 6 | The new term is higher than every term in the tables and than every one this node has seen. | [`Claim::min_term`] |
//! | 7 | The claim was answered in time, and the clock is before the end of the lease, which counts from before the claim or the newest renewal was sent. | [`Lease::deadline`](super::tenure::Lease::deadline) |
//!
//! Conditions 1 to 4 decide when a node claims, 5 and 6 whether the claim succeeds, 7 whether its leader may act.

use std::cmp::Reverse;
use std::time::Duration;

use super::liveness::{PeerView, Peers};
use super::node::Setup;
use super::snapshot::{Incumbent, NodeRow, Snapshot};
use super::term::{HeartbeatSeq, Incarnation, Term};
use super::time::Time;

/// Sorts the best candidate first: the highest priority, then the lowest id.
pub fn rank(row: &NodeRow) -> (Reverse<i32>, &str) {
    (Reverse(row.priority), &row.id)
}

/// What one node knows about the candidates. It ranks them by this.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Electorate {
    /// The judging node.
    pub id: String,
    /// The incarnation of that node.
    pub incarnation: Incarnation,
    /// T: a row that this node sees for the first time counts as live up to this age.
    pub election_timeout: Duration,
    /// The other nodes that it has seen before.
    pub peers: Vec<PeerView>,
}

impl Electorate {
    /// The candidates as this node knows them now.
    pub(crate) fn new(peers: &Peers, setup: &Setup) -> Self {
        Self {
            id: setup.node.id.clone(),
            incarnation: setup.node.incarnation,
            election_timeout: setup.timing.election_timeout(),
            peers: peers.known(&setup.timing),
        }
    }

    /// The node that should lead next: the ended term's successor, or else the best-ranked eligible live node that is
    /// not skipped. None if not even the judging node is a candidate.
    pub fn preferred_candidate<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a NodeRow> {
        let newest = snapshot.newest_term().filter(|term| term.end_reason.is_some());
        let successor = newest.and_then(|term| term.successor.as_deref()).and_then(|id| snapshot.node(id));
        successor.filter(|row| self.is_candidate(row)).or_else(|| {
            snapshot.nodes.iter().filter(|row| self.is_candidate(row)).min_by_key(|row| rank(row))
        })
    }

    /// The id of the node that should lead if this leader were gone.
    pub(crate) fn next_after(&self, snapshot: &Snapshot, leader: &str) -> Option<String> {
        let nodes = snapshot.nodes.iter().filter(|row| row.id != leader).cloned().collect();
        let others = Snapshot { terms: Vec::new(), nodes };
        self.preferred_candidate(&others).map(|row| row.id.clone())
    }

    /// A row with the status leader is no candidate. Its node has to end that term before it can claim another.
    /// Waiting for that node would mean waiting until a crashed leader counts as dead.
    fn is_candidate(&self, row: &NodeRow) -> bool {
        let counts = if row.id == self.id { row.incarnation == self.incarnation } else { self.counts(row) };
        row.eligible && !row.is_leader() && counts
    }

    /// Whether another node's row counts: the node is live and not skipped.
    fn counts(&self, row: &NodeRow) -> bool {
        match self.peers.iter().find(|peer| peer.id == row.id) {
            Some(peer) => {
                let moved = (peer.incarnation, peer.heartbeat_seq) != (row.incarnation, row.heartbeat_seq);
                (peer.live || moved) && !peer.skipped
            }
            None => row.heartbeat_age <= self.election_timeout,
        }
    }
}

/// What a claim relies on. The transaction reads everything again and gives up unless all of it still holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// The leadership that was observed to be over, in that exact version.
    pub incumbent: Incumbent,
    /// What makes this node the preferred candidate.
    pub electorate: Electorate,
    /// The new term is higher than this and than every term in either table.
    pub min_term: Term,
    /// The claim sets the heartbeat counter of the node's own row to one more than this, as a heartbeat does. No two
    /// leaderships then begin in the same version, even if the database forgot the first.
    pub seq_floor: HeartbeatSeq,
}

/// Why a claim gave up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ClaimRejected {
    /// The leadership is not in the observed version any more.
    IncumbentChanged,
    /// This node ranks higher and should lead.
    BetterCandidate(String),
    /// The claiming node's own row has changed.
    OwnRowChanged,
    /// Another claim committed first.
    Raced,
}

impl Claim {
    /// Whether the claim still holds in what the transaction reads under the election's lock.
    ///
    /// # Errors
    /// What has changed.
    pub fn check(&self, snapshot: &Snapshot) -> Result<(), ClaimRejected> {
        if snapshot.incumbent() != self.incumbent {
            return Err(ClaimRejected::IncumbentChanged);
        }
        let own =
            snapshot.node(&self.electorate.id).filter(|row| row.incarnation == self.electorate.incarnation);
        // A higher counter shows that this claim is late: its node has given it up.
        if own.is_none_or(|row| row.is_leader() || self.seq_floor < row.heartbeat_seq) {
            return Err(ClaimRejected::OwnRowChanged);
        }
        match self.electorate.preferred_candidate(snapshot) {
            Some(preferred) if preferred.id == self.electorate.id => Ok(()),
            Some(preferred) => Err(ClaimRejected::BetterCandidate(preferred.id.clone())),
            None => Err(ClaimRejected::OwnRowChanged),
        }
    }
}

/// Which node may claim in a vacancy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Turn {
    /// This node. It claims, because of this.
    Own(Electorate),
    /// This node, but it may not campaign before this time.
    OwnFrom(Time),
    /// Another node, or none.
    Other,
}

impl Turn {
    /// When this node may campaign, if nothing else keeps it from claiming.
    pub fn own_from(&self) -> Option<Time> {
        match self {
            Self::OwnFrom(at) => Some(*at),
            Self::Own(_) | Self::Other => None,
        }
    }

    /// What this node's claim relies on, if it may claim.
    pub fn own(self) -> Option<Electorate> {
        match self {
            Self::Own(electorate) => Some(electorate),
            Self::OwnFrom(_) | Self::Other => None,
        }
    }
}

/// This node as a candidate.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Candidacy {
    /// The last snapshot showed no lease in force.
    vacant: bool,
    /// The id of the node that should lead next, as of the last snapshot.
    next_leader: Option<String>,
    /// This node does not campaign before this time.
    campaign_from: Time,
    /// How many claims or leases in a row this node lost because an answer came too late.
    failed_claims: u32,
    /// The highest term this node has seen.
    highest_term: Term,
}

impl Candidacy {
    /// A node that has seen nothing yet.
    pub fn new(now: Time) -> Self {
        Self {
            vacant: false,
            next_leader: None,
            campaign_from: now,
            failed_claims: 0,
            highest_term: Term::NONE,
        }
    }

    /// Whether this node is a candidate: the last snapshot showed no lease in force.
    pub fn is_open(&self) -> bool {
        self.vacant
    }

    /// The id of the node that should lead next, as of the last snapshot.
    pub fn next_leader(&self) -> Option<&str> {
        self.next_leader.as_deref()
    }

    /// The highest term this node has seen.
    pub fn highest_term(&self) -> Term {
        self.highest_term
    }

    /// Decides in a vacancy which node may claim. Skips a preferred candidate that was waited for long enough.
    pub fn campaign(&mut self, now: Time, snapshot: &Snapshot, peers: &mut Peers, setup: &Setup) -> Turn {
        self.vacant = true;
        peers.begin_vacancy(&setup.timing);
        loop {
            let electorate = Electorate::new(peers, setup);
            let preferred = electorate.preferred_candidate(snapshot);
            self.next_leader = preferred.map(|row| row.id.clone());
            match preferred {
                Some(row) if row.id == setup.node.id && self.campaign_from <= now => {
                    return Turn::Own(electorate);
                }
                Some(row) if row.id == setup.node.id => return Turn::OwnFrom(self.campaign_from),
                Some(row) if peers.skip_if_overdue(&row.id, &setup.timing, &setup.rules) => {}
                Some(_) | None => return Turn::Other,
            }
        }
    }

    /// The claim for the vacancy that this snapshot shows.
    pub fn claim(&self, snapshot: &Snapshot, electorate: Electorate, seq_floor: HeartbeatSeq) -> Claim {
        Claim { incumbent: snapshot.incumbent(), electorate, min_term: self.highest_term, seq_floor }
    }

    /// A lease is in force, or this node must not campaign.
    pub fn close(&mut self) {
        self.vacant = false;
    }

    /// Remembers which node would lead if the leader were gone.
    pub fn note_next_leader(&mut self, next: Option<String>) {
        self.next_leader = next;
    }

    /// Remembers a term that a snapshot names.
    pub fn note_term(&mut self, term: Term) {
        self.highest_term = self.highest_term.max(term);
    }

    /// This node's claim succeeded.
    pub fn win(&mut self, term: Term) {
        self.note_term(term);
        self.vacant = false;
        self.next_leader = None;
    }

    /// Puts off campaigning until this time at least.
    pub fn wait_until(&mut self, at: Time) {
        self.campaign_from = self.campaign_from.max(at);
    }

    /// This node lost a claim or a lease because an answer came too late. It backs off for `span`, and longer each
    /// time. Otherwise a slow best node would keep the others waiting for ever.
    pub fn back_off(&mut self, now: Time, span: Duration) {
        self.wait_until(now + span * 2u32.pow(self.failed_claims.min(2)));
        self.failed_claims = self.failed_claims.saturating_add(1);
    }

    /// A renewal was seen. A node that was slow in an earlier vacancy may be fast in the next one.
    pub fn reset_back_off(&mut self) {
        self.failed_claims = 0;
    }
}

#[cfg(test)]
mod candidacy_tests;
#[cfg(test)]
mod claim_tests;
#[cfg(test)]
mod ranking_tests;
