//! What this node sees of the election: the other nodes' leases, which peers move, and its own candidacy.

use std::time::Duration;

use super::election::{Candidacy, Claim, Electorate, Turn};
use super::history::{EndedTerm, History, NodeState, Role};
use super::lease::{Leases, ObservedLease};
use super::liveness::Peers;
use super::node::{LocalNode, Setup};
use super::snapshot::{EndReason, Snapshot};
use super::tenure::Lease;
use super::term::{HeartbeatSeq, Term};
use super::time::Time;

/// The election, as one node sees it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ElectionView {
    leases: Leases,
    peers: Peers,
    candidacy: Candidacy,
    history: History,
}

/// What a snapshot means for a node that holds no term.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// This lease is in force.
    Led(ObservedLease),
    /// No lease is in force.
    Vacant(Turn),
}

impl ElectionView {
    /// A node that has seen nothing yet.
    pub fn new(now: Time) -> Self {
        Self {
            leases: Leases::default(),
            peers: Peers::default(),
            candidacy: Candidacy::new(now),
            history: History::default(),
        }
    }

    /// What the node publishes at `now`, with this lease.
    pub fn state(&self, now: Time, joined: bool, lease: Option<Lease>) -> NodeState {
        let leads = lease.is_some_and(|lease| now < lease.deadline);
        NodeState {
            role: match leads {
                true => Role::Leader,
                false if joined && self.is_vacant() => Role::Candidate,
                false => Role::Follower,
            },
            registered: joined,
            highest_term: self.candidacy.highest_term(),
            leader: self.history.leader(now).filter(|_| !leads).cloned(),
            next_leader: self.candidacy.next_leader().map(str::to_owned),
            last_end: self.history.last_end().cloned(),
        }
    }

    /// Whether the last snapshot showed a vacancy.
    pub fn is_vacant(&self) -> bool {
        self.candidacy.is_open()
    }

    /// Whether this node should lead next, as far as it knows.
    pub fn is_next(&self, node: &LocalNode) -> bool {
        self.candidacy.next_leader().is_none_or(|id| *id == node.id)
    }

    /// When the last of the leases in force at `now` runs out.
    pub fn led_until(&self, now: Time) -> Option<Time> {
        self.leases.in_force(now).map(|lease| lease.expires)
    }

    /// The terms whose rows the next snapshot must show.
    pub fn terms(&self) -> Vec<Term> {
        self.leases.terms()
    }

    /// A snapshot arrived at `now`.
    pub fn observe(&mut self, now: Time, snapshot: &Snapshot, setup: &Setup) {
        self.candidacy.note_term(snapshot.highest_term());
        self.peers.observe(now, snapshot, &setup.node.id, &setup.timing);
        for term in snapshot.terms.iter().filter(|term| term.end_reason == Some(EndReason::Expired)) {
            self.peers.mark_dead(&term.leader_id, term.incarnation);
        }
        self.leases.observe(now, snapshot, setup.node.incarnation, &setup.rules);
    }

    /// What the last snapshot means for a node that holds no term.
    pub fn judge(&mut self, now: Time, snapshot: &Snapshot, setup: &Setup) -> Verdict {
        let lease = self.leases.in_force(now);
        self.history.note_lease(now, lease, snapshot);
        let Some(lease) = lease.cloned() else {
            return Verdict::Vacant(self.candidacy.campaign(now, snapshot, &mut self.peers, setup));
        };
        if lease.renewed {
            self.note_renewal();
        }
        self.candidacy.close();
        self.note_next_leader(snapshot, &lease.leader_id, setup);
        Verdict::Led(lease)
    }

    /// The claim for the vacancy that this snapshot shows.
    pub fn claim(&self, snapshot: &Snapshot, electorate: Electorate, seq_floor: HeartbeatSeq) -> Claim {
        self.candidacy.claim(snapshot, electorate, seq_floor)
    }

    /// Remembers which node would lead if this leader were gone.
    pub fn note_next_leader(&mut self, snapshot: &Snapshot, leader: &str, setup: &Setup) {
        let electorate = Electorate::new(&self.peers, setup);
        self.candidacy.note_next_leader(electorate.next_after(snapshot, leader));
    }

    /// A leader has renewed its lease, this node or another: the next vacancy is a new one.
    pub fn note_renewal(&mut self) {
        self.candidacy.reset_back_off();
        self.peers.end_vacancy();
    }

    /// This node's claim succeeded. Returns how long there was no leader.
    pub fn win(&mut self, now: Time, term: Term) -> Option<Duration> {
        self.candidacy.win(term);
        self.history.leaderless(now)
    }

    /// This node's leadership has ended.
    pub fn lose(&mut self, now: Time, end: EndedTerm) {
        self.candidacy.close();
        self.history.note_own_end(now, end);
    }

    /// This node cannot campaign until it has ended a term of its own.
    pub fn withdraw(&mut self) {
        self.candidacy.close();
    }

    /// A step failed.
    pub fn note_failed_step(&mut self) {
        self.peers.note_failed_step();
    }

    /// This node lost a claim or a lease because an answer came too late.
    pub fn back_off(&mut self, now: Time, span: Duration) {
        self.candidacy.back_off(now, span);
    }

    /// Puts off campaigning until this time at least.
    pub fn campaign_from(&mut self, at: Time) {
        self.candidacy.wait_until(at);
    }
}
