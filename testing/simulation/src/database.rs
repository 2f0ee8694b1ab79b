//! The model database: what each of the protocol's requests means, on tables in memory.
//!
//! This is the specification of the SQL store: the same request on the same rows gives the same reply and leaves the same
//! rows. Each request is one atomic step, as the store's statement or transaction is under the election's lock.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::{
    Claim, ClaimRejected, EndReason, Incarnation, NodeRow, Reply, Request, Snapshot, TakeOver, TermRow, rank,
};

use crate::mutation::Mutation;

/// How many of the best-ranked rows a look brings.
pub const BEST: usize = 8;

/// The database's clock, in microseconds.
pub type DatabaseTime = i64;

/// Who sends a request, with what a registration writes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Member {
    /// The node's id.
    pub id: String,
    /// Its process.
    pub incarnation: Incarnation,
    /// Higher is preferred.
    pub priority: i32,
    /// Whether it stands for election.
    pub eligible: bool,
    /// G of this process.
    pub lease: Duration,
}

/// A row of `node_records`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    /// The process behind it.
    pub incarnation: Incarnation,
    /// Whether the status is `leader`.
    pub leading: bool,
    /// Whether the status is `candidate`.
    pub candidate: bool,
    /// Higher is preferred.
    pub priority: i32,
    /// Whether the node stands for election.
    pub eligible: bool,
    /// The term the row was last promoted in.
    pub term: i64,
    /// Counts the heartbeats.
    pub seq: i64,
    /// When the last heartbeat was.
    pub last_heartbeat: DatabaseTime,
    /// G of the process.
    pub lease: Duration,
}

impl Node {
    fn follower(member: &Member, now: DatabaseTime) -> Self {
        Self {
            incarnation: member.incarnation,
            leading: false,
            candidate: false,
            priority: member.priority,
            eligible: member.eligible,
            term: 0,
            seq: 0,
            last_heartbeat: now,
            lease: member.lease,
        }
    }
}

/// The tables of one election.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Database {
    /// `node_records`, by id.
    pub nodes: BTreeMap<String, Node>,
    /// `election_terms`, by term.
    pub terms: BTreeMap<i64, TermRow>,
    /// The terms of the fenced writes that were committed, in the order of their commits.
    pub writes: Vec<i64>,
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
    pub fn perform(&mut self, now: DatabaseTime, sender: &Member, request: &Request) -> Reply {
        match request {
            Request::Register { take_over } => self.register(now, sender, take_over.as_ref()),
            Request::Heartbeat { term, candidate, floor } => {
                Reply::HeartbeatAck { seq: self.heartbeat(now, sender, *term, *candidate, *floor) }
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
                let own = |id: &str, row: &Node| id == sender.id && row.incarnation == sender.incarnation;
                let leads = self.nodes.get(&sender.id).is_some_and(|row| own(&sender.id, row) && row.leading);
                if let Some(reason) = end.or(leads.then_some(EndReason::Lapsed)) {
                    self.end(|row| row.incarnation == sender.incarnation, reason);
                }
                self.nodes.retain(|id, row| !own(id, row));
                Reply::Left
            }
            Request::Cleanup { older_than } => self.clean_up(now, sender, *older_than),
        }
    }

    /// A write of the application's, in a transaction through the fence. Says whether it was committed.
    pub fn fenced_write(&mut self, term: i64) -> bool {
        let open = self.terms.get(&term).is_some_and(|row| row.ended.is_none());
        if open {
            self.writes.push(term);
        }
        open
    }

    /// The open term.
    pub fn open_term(&self) -> Option<&TermRow> {
        self.terms.values().find(|term| term.ended.is_none())
    }

    /// The highest term in either table.
    pub fn highest_term(&self) -> i64 {
        let in_terms = self.terms.keys().next_back().copied().unwrap_or(0);
        self.nodes.values().map(|row| row.term).fold(in_terms, i64::max)
    }

    /// A look, as the node `id` takes it.
    pub fn view(&self, now: DatabaseTime, id: &str, asked_for: &[i64]) -> Snapshot {
        let open = self.open_term();
        let newest = self.terms.values().next_back();
        let wanted_terms =
            |term: &TermRow| term.ended.is_none() || newest == Some(term) || asked_for.contains(&term.term);
        let mut best: Vec<_> =
            self.nodes.iter().filter(|(_, row)| row.eligible).map(|(id, row)| row.seen(id, now)).collect();
        best.sort_by(|a, b| rank(a).cmp(&rank(b)));
        best.truncate(BEST);
        let successor = newest.and_then(|term| term.successor.as_deref());
        let others = self.nodes.iter().filter(|(row_id, row)| {
            row.leading
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

    fn register(&mut self, now: DatabaseTime, sender: &Member, take_over: Option<&TakeOver>) -> Reply {
        let open = self.open_term().map(|term| term.incarnation);
        let Some(row) = self.nodes.get(&sender.id) else {
            self.nodes.insert(sender.id.clone(), Node::follower(sender, now));
            return Reply::Registered { seq: 0 };
        };
        if row.incarnation == sender.incarnation {
            return Reply::Registered { seq: row.seq };
        }
        let theirs = row.incarnation;
        let leading = row.leading || open == Some(theirs);
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
        let Some(row) = self.nodes.get_mut(&sender.id) else { return Reply::Registered { seq: 0 } };
        *row = Node { term: row.term, seq: row.seq + 1, ..Node::follower(sender, now) };
        Reply::Registered { seq: row.seq }
    }

    fn heartbeat(
        &mut self,
        now: DatabaseTime,
        sender: &Member,
        term: Option<i64>,
        candidate: bool,
        floor: i64,
    ) -> Option<i64> {
        let any_incarnation = self.mutation == Some(Mutation::HeartbeatForAnyIncarnation);
        let any_term = self.mutation == Some(Mutation::RenewalForAnyTerm);
        let any_status = self.mutation == Some(Mutation::FollowerBeatsLeader);
        let open = self.open_term().map(|open| (open.term, open.incarnation));
        let row = self.nodes.get_mut(&sender.id)?;
        let own = row.incarnation == sender.incarnation || any_incarnation;
        let in_role = match term {
            None => !row.leading || any_status,
            Some(_) if any_term => row.leading,
            Some(term) => row.leading && row.term == term && open == Some((term, row.incarnation)),
        };
        // A rule that is broken is broken for late requests, too: that these do nothing would hide it.
        let late = self.mutation == Some(Mutation::LateHeartbeatCounts);
        let unbound = any_incarnation || any_term || any_status || late;
        if !own || !in_role || (floor < row.seq && !unbound) {
            return None;
        }
        row.seq = row.seq.max(floor) + 1;
        row.last_heartbeat = now;
        row.candidate = candidate && !row.leading;
        Some(row.seq)
    }

    fn claim(&mut self, now: DatabaseTime, sender: &Member, claim: &Claim) -> Result<i64, ClaimRejected> {
        let view = self.view(now, &sender.id, &[]);
        if self.mutation != Some(Mutation::ClaimUnchecked) {
            claim.check(&view)?;
        }
        let mut term = claim.floor.max(self.highest_term()) + 1;
        if self.mutation == Some(Mutation::TermFromNode) {
            term = self.nodes.get(&sender.id).map_or(0, |row| row.term) + 1;
        }
        if !self.nodes.contains_key(&sender.id) {
            return Err(ClaimRejected::OwnRowChanged);
        }
        self.end(|_| true, EndReason::Expired);
        if let Some(old) = view.leading() {
            let unchecked = self.mutation == Some(Mutation::ClaimUnchecked);
            let observed = claim.incumbent.row.as_ref();
            self.demote(&old.id, |row| {
                unchecked
                    || observed.is_some_and(|seen| {
                        (seen.incarnation, seen.term, seen.seq) == (row.incarnation, row.term, row.seq)
                    })
            });
        }
        self.terms.insert(
            term,
            TermRow {
                term,
                leader_id: sender.id.clone(),
                incarnation: sender.incarnation,
                lease: sender.lease,
                ended: None,
                successor: None,
            },
        );
        if let Some(row) = self.nodes.get_mut(&sender.id) {
            (row.leading, row.candidate, row.term) = (true, false, term);
            (row.seq, row.last_heartbeat) = (claim.beats + 1, now);
        }
        Ok(term)
    }

    fn clean_up(&mut self, now: DatabaseTime, sender: &Member, older_than: Duration) -> Reply {
        let before = (self.nodes.len(), self.terms.len());
        let leader = self.open_term().map(|term| term.leader_id.clone());
        self.nodes.retain(|id, row| {
            let spared = row.leading || *id == sender.id || leader.as_ref() == Some(id);
            spared || age(now, row.last_heartbeat) <= older_than
        });
        let superfluous = self.terms.len().saturating_sub(self.terms_kept.max(1));
        let old: Vec<i64> = self.terms.keys().take(superfluous).copied().collect();
        self.terms.retain(|term, row| row.ended.is_none() || !old.contains(term));
        let gone = |before: usize, after: usize| before.saturating_sub(after) as u64;
        Reply::Cleaned { nodes: gone(before.0, self.nodes.len()), terms: gone(before.1, self.terms.len()) }
    }

    fn end(&mut self, which: impl Fn(&TermRow) -> bool, reason: EndReason) {
        for term in self.terms.values_mut().filter(|term| term.ended.is_none() && which(term)) {
            term.ended = Some(reason);
        }
    }

    fn demote(&mut self, id: &str, which: impl FnOnce(&Node) -> bool) {
        if let Some(row) = self.nodes.get_mut(id).filter(|row| row.leading)
            && which(row)
        {
            row.leading = false;
        }
    }
}

impl Node {
    fn seen(&self, id: &str, now: DatabaseTime) -> NodeRow {
        NodeRow {
            id: id.to_owned(),
            incarnation: self.incarnation,
            leading: self.leading,
            priority: self.priority,
            eligible: self.eligible,
            term: self.term,
            seq: self.seq,
            lease: self.lease,
            age: age(now, self.last_heartbeat),
            address: None,
        }
    }
}

fn age(now: DatabaseTime, then: DatabaseTime) -> Duration {
    Duration::from_micros(u64::try_from(now.saturating_sub(then)).unwrap_or(0))
}
