//! The model database: the meaning of each request of the protocol, on tables in memory.
//!
//! This is the specification of the SQL store. The same request on the same rows gives the same reply and leaves the
//! same rows. Each request is one atomic step, like the store's statement or its transaction under the election's
//! lock.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{
    Belief, CANDIDATES_READ, Claim, ClaimRejected, EndReason, HeartbeatSeq, Incarnation, NodeRow, NodeStatus,
    Reply, Request, Snapshot, TakeOver, Term, TermRow, rank,
};

use crate::mutation::Mutation;

/// The database's clock, in microseconds.
pub type DatabaseTime = i64;

/// The sender of a request, with the values that a registration writes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeIdentity {
    /// The node's id.
    pub id: String,
    /// Its incarnation.
    pub incarnation: Incarnation,
    /// Higher is preferred.
    pub priority: i32,
    /// Whether it may campaign.
    pub eligible: bool,
    /// G of this process.
    pub lease: Duration,
}

/// A row of `node_records`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeRecord {
    /// The incarnation that it belongs to.
    pub incarnation: Incarnation,
    /// The status.
    pub status: NodeStatus,
    /// Higher is preferred.
    pub priority: i32,
    /// Whether the node may campaign.
    pub eligible: bool,
    /// The term the row was last promoted in.
    pub term: Term,
    /// Counts the heartbeats.
    pub heartbeat_seq: HeartbeatSeq,
    /// When the last heartbeat was.
    pub last_heartbeat: DatabaseTime,
    /// G of the process.
    pub lease: Duration,
}

impl NodeRecord {
    /// Whether the row has the status leader.
    pub fn is_leader(&self) -> bool {
        self.status == NodeStatus::Leader
    }

    fn follower(identity: &NodeIdentity, now: DatabaseTime) -> Self {
        Self {
            incarnation: identity.incarnation,
            status: NodeStatus::Follower,
            priority: identity.priority,
            eligible: identity.eligible,
            term: Term::NONE,
            heartbeat_seq: HeartbeatSeq::ZERO,
            last_heartbeat: now,
            lease: identity.lease,
        }
    }
}

/// The tables of one election.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Database {
    /// `node_records`, by id.
    pub nodes: BTreeMap<String, NodeRecord>,
    /// `election_terms`, by term.
    pub terms: BTreeMap<Term, TermRow>,
    /// The terms of the committed fenced writes, in the order of their commits.
    pub writes: Vec<Term>,
    /// How many terms a cleanup keeps.
    pub terms_kept: usize,
    mutation: Option<Mutation>,
}

impl Database {
    /// Empty tables.
    pub fn new(terms_kept: usize, mutation: Option<Mutation>) -> Self {
        Self { nodes: BTreeMap::new(), terms: BTreeMap::new(), writes: Vec::new(), terms_kept, mutation }
    }

    /// Carries one request out.
    pub fn perform(&mut self, now: DatabaseTime, sender: &NodeIdentity, request: &Request) -> Reply {
        match request {
            Request::Register { take_over } => self.register(now, sender, take_over.as_ref()),
            Request::Heartbeat { belief, seq_floor } => {
                Reply::HeartbeatAck { seq: self.heartbeat(now, sender, *belief, *seq_floor) }
            }
            Request::Observe { terms } => Reply::Snapshot(self.view(now, &sender.id, terms)),
            Request::Claim(claim) => match self.claim(now, sender, claim) {
                Ok(term) => Reply::Claimed { term },
                Err(lost) => Reply::ClaimRejected(lost),
            },
            Request::EndTerm { term, reason } => {
                self.end(|row| row.term == *term && row.incarnation == sender.incarnation, *reason);
                self.demote(&sender.id, |row| row.incarnation == sender.incarnation && row.term == *term);
                Reply::TermEnded
            }
            Request::Leave { end } => {
                let own =
                    |id: &str, row: &NodeRecord| id == sender.id && row.incarnation == sender.incarnation;
                let leads =
                    self.nodes.get(&sender.id).is_some_and(|row| own(&sender.id, row) && row.is_leader());
                if let Some(reason) = end.or(leads.then_some(EndReason::Lapsed)) {
                    self.end(|row| row.incarnation == sender.incarnation, reason);
                }
                self.nodes.retain(|id, row| !own(id, row));
                Reply::Left
            }
            Request::Cleanup { older_than } => self.clean_up(now, sender, *older_than),
        }
    }

    /// A fenced write of the application. Returns whether it was committed.
    pub fn fenced_write(&mut self, term: Term) -> bool {
        let open = self.terms.get(&term).is_some_and(|row| row.end_reason.is_none());
        if open {
            self.writes.push(term);
        }
        open
    }

    /// The open term.
    pub fn open_term(&self) -> Option<&TermRow> {
        self.terms.values().find(|term| term.end_reason.is_none())
    }

    /// The highest term in either table.
    pub fn highest_term(&self) -> Term {
        let in_terms = self.terms.keys().next_back().copied().unwrap_or(Term::NONE);
        self.nodes.values().map(|row| row.term).fold(in_terms, Term::max)
    }

    /// The snapshot that the node `id` reads.
    pub fn view(&self, now: DatabaseTime, id: &str, asked_for: &[Term]) -> Snapshot {
        let open = self.open_term();
        let newest = self.terms.values().next_back();
        let wanted_terms = |term: &TermRow| {
            term.end_reason.is_none() || newest == Some(term) || asked_for.contains(&term.term)
        };
        let mut best: Vec<_> =
            self.nodes.iter().filter(|(_, row)| row.eligible).map(|(id, row)| row.seen(id, now)).collect();
        best.sort_by(|a, b| rank(a).cmp(&rank(b)));
        best.truncate(CANDIDATES_READ);
        let successor = newest.and_then(|term| term.successor.as_deref());
        let others = self.nodes.iter().filter(|(row_id, row)| {
            row.is_leader()
                || *row_id == id
                || open.is_some_and(|term| term.leader_id == **row_id)
                || successor == Some(row_id.as_str())
        });
        let mut nodes = best;
        for (id, row) in others {
            if nodes.iter().all(|seen| seen.id != *id) {
                nodes.push(row.seen(id, now));
            }
        }
        Snapshot { terms: self.terms.values().filter(|term| wanted_terms(term)).cloned().collect(), nodes }
    }

    fn register(&mut self, now: DatabaseTime, sender: &NodeIdentity, take_over: Option<&TakeOver>) -> Reply {
        let open = self.open_term().map(|term| term.incarnation);
        let Some(row) = self.nodes.get(&sender.id) else {
            self.nodes.insert(sender.id.clone(), NodeRecord::follower(sender, now));
            return Reply::Registered { seq: HeartbeatSeq::ZERO };
        };
        if row.incarnation == sender.incarnation {
            return Reply::Registered { seq: row.heartbeat_seq };
        }
        let theirs = row.incarnation;
        let leading = row.is_leader() || open == Some(theirs);
        let granted = match take_over {
            None => false,
            Some(TakeOver::Follower(incarnation)) => !leading && *incarnation == theirs,
            Some(TakeOver::Leader { incarnation, incumbent }) => {
                *incarnation == theirs && self.view(now, &sender.id, &[]).incumbent() == *incumbent
            }
        };
        if !granted {
            return Reply::IdTaken { incarnation: theirs, leading };
        }
        self.end(|term| term.incarnation == theirs, EndReason::Replaced);
        let Some(row) = self.nodes.get_mut(&sender.id) else {
            return Reply::Registered { seq: HeartbeatSeq::ZERO };
        };
        *row = NodeRecord {
            term: row.term,
            heartbeat_seq: row.heartbeat_seq.next(),
            ..NodeRecord::follower(sender, now)
        };
        Reply::Registered { seq: row.heartbeat_seq }
    }

    fn heartbeat(
        &mut self,
        now: DatabaseTime,
        sender: &NodeIdentity,
        belief: Belief,
        seq_floor: HeartbeatSeq,
    ) -> Option<HeartbeatSeq> {
        let any_incarnation = self.mutation == Some(Mutation::HeartbeatForAnyIncarnation);
        let any_term = self.mutation == Some(Mutation::RenewalForAnyTerm);
        let any_status = self.mutation == Some(Mutation::FollowerHeartbeatForLeader);
        let open = self.open_term().map(|open| (open.term, open.incarnation));
        let row = self.nodes.get_mut(&sender.id)?;
        let own = row.incarnation == sender.incarnation || any_incarnation;
        let in_role = match belief {
            Belief::Follower | Belief::Candidate => !row.is_leader() || any_status,
            Belief::Leader(_) if any_term => row.is_leader(),
            Belief::Leader(term) => {
                row.is_leader() && row.term == term && open == Some((term, row.incarnation))
            }
        };
        // A broken rule also applies to late requests. If those did nothing, they would hide it.
        let late = self.mutation == Some(Mutation::LateHeartbeatCounts);
        let unbound = any_incarnation || any_term || any_status || late;
        if !own || !in_role || (seq_floor < row.heartbeat_seq && !unbound) {
            return None;
        }
        row.heartbeat_seq = row.heartbeat_seq.max(seq_floor).next();
        row.last_heartbeat = now;
        if !row.is_leader() {
            let candidate = belief == Belief::Candidate;
            row.status = if candidate { NodeStatus::Candidate } else { NodeStatus::Follower };
        }
        Some(row.heartbeat_seq)
    }

    fn claim(
        &mut self,
        now: DatabaseTime,
        sender: &NodeIdentity,
        claim: &Claim,
    ) -> Result<Term, ClaimRejected> {
        let view = self.view(now, &sender.id, &[]);
        if self.mutation != Some(Mutation::ClaimUnchecked) {
            claim.check(&view)?;
        }
        let before = match self.mutation {
            Some(Mutation::TermFromNode) => self.nodes.get(&sender.id).map_or(Term::NONE, |row| row.term),
            _ => claim.min_term.max(self.highest_term()),
        };
        #[expect(clippy::expect_used, reason = "no run lasts for so many terms")]
        let term = before.next().expect("fewer terms than the database can count");
        if !self.nodes.contains_key(&sender.id) {
            return Err(ClaimRejected::OwnRowChanged);
        }
        self.end(|_| true, EndReason::Expired);
        if let Some(old) = view.leading_row() {
            let unchecked = self.mutation == Some(Mutation::ClaimUnchecked);
            let observed = claim.incumbent.row.as_ref();
            self.demote(&old.id, |row| {
                unchecked
                    || observed.is_some_and(|seen| {
                        (seen.incarnation, seen.term, seen.heartbeat_seq)
                            == (row.incarnation, row.term, row.heartbeat_seq)
                    })
            });
        }
        self.terms.insert(
            term,
            TermRow {
                term,
                leader_id: sender.id.clone(),
                incarnation: sender.incarnation,
                lease_duration: sender.lease,
                end_reason: None,
                successor: None,
            },
        );
        if let Some(row) = self.nodes.get_mut(&sender.id) {
            (row.status, row.term) = (NodeStatus::Leader, term);
            (row.heartbeat_seq, row.last_heartbeat) = (claim.seq_floor.next(), now);
        }
        Ok(term)
    }

    fn clean_up(&mut self, now: DatabaseTime, sender: &NodeIdentity, older_than: Duration) -> Reply {
        let before = (self.nodes.len(), self.terms.len());
        let leader = self.open_term().map(|term| term.leader_id.clone());
        self.nodes.retain(|id, row| {
            let spared = row.is_leader() || *id == sender.id || leader.as_ref() == Some(id);
            spared || age(now, row.last_heartbeat) <= older_than
        });
        let superfluous = self.terms.len().saturating_sub(self.terms_kept.max(1));
        let old: Vec<Term> = self.terms.keys().take(superfluous).copied().collect();
        self.terms.retain(|term, row| row.end_reason.is_none() || !old.contains(term));
        let gone = |before: usize, after: usize| before.saturating_sub(after) as u64;
        Reply::Cleaned { nodes: gone(before.0, self.nodes.len()), terms: gone(before.1, self.terms.len()) }
    }

    fn end(&mut self, which: impl Fn(&TermRow) -> bool, reason: EndReason) {
        for term in self.terms.values_mut().filter(|term| term.end_reason.is_none() && which(term)) {
            term.end_reason = Some(reason);
        }
    }

    fn demote(&mut self, id: &str, which: impl FnOnce(&NodeRecord) -> bool) {
        if let Some(row) = self.nodes.get_mut(id).filter(|row| row.is_leader())
            && which(row)
        {
            row.status = NodeStatus::Follower;
        }
    }
}

impl NodeRecord {
    fn seen(&self, id: &str, now: DatabaseTime) -> NodeRow {
        NodeRow {
            id: id.to_owned(),
            incarnation: self.incarnation,
            status: self.status,
            priority: self.priority,
            eligible: self.eligible,
            term: self.term,
            heartbeat_seq: self.heartbeat_seq,
            lease_duration: self.lease,
            heartbeat_age: age(now, self.last_heartbeat),
        }
    }
}

fn age(now: DatabaseTime, then: DatabaseTime) -> Duration {
    Duration::from_micros(u64::try_from(now.saturating_sub(then)).unwrap_or(0))
}
