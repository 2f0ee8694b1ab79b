//! One sequence, run by the store and by the model side by side.

use std::time::Duration;

use leader_election::__private::NodeIdentity as WrittenAs;
use protocol::{
    Belief, Claim, ClaimRejected, Electorate, HeartbeatSeq, Incarnation, NodeStatus, PeerView, Reply,
    Request, Snapshot, TakeOver, Term,
};
use simulation::database::{Database, NodeIdentity, NodeRecord};
use simulation::mutation::Mutation;

use crate::Seen;
use crate::steps::{
    Basis, IDS, ManualEdit, PROCESSES, PeerOpinion, RequestSpec, STALE, Step, TIMEOUT, TermRef, Who,
};
use crate::test_database::{TestDatabase, coarse};

/// The model's clock. It does not move: how long the test takes is not compared.
const NOW: i64 = 1_000_000_000_000;
/// How many terms a cleanup keeps.
const TERMS_KEPT: u32 = 3;

pub struct Case<'a> {
    real: &'a mut TestDatabase,
    model: Database,
    identities: Vec<NodeIdentity>,
    /// The last snapshot of each process.
    read: Vec<Snapshot>,
}

impl<'a> Case<'a> {
    /// Every node's first process has registered.
    pub async fn begin(
        real: &'a mut TestDatabase,
        mutation: Option<Mutation>,
        seen: &mut Seen,
    ) -> Result<Self, String> {
        let identity = |process: usize| NodeIdentity {
            id: IDS[process % IDS.len()].to_owned(),
            incarnation: Incarnation(process as u128 + 1),
            priority: i32::from(process % 2 == 1),
            eligible: true,
            // They differ, so that each lease can be seen to be the node's own.
            lease: Duration::from_secs(3 * (1 + process as u64)),
        };
        let identities: Vec<_> = (0..PROCESSES).map(identity).collect();
        let written = |identity: &NodeIdentity| WrittenAs {
            election: String::new(),
            node_id: identity.id.clone(),
            incarnation: identity.incarnation,
            priority: identity.priority,
            address: None,
            lease_duration: identity.lease,
            term_history: TERMS_KEPT,
        };
        real.begin(identities.iter().map(written).collect());
        let model = Database::new(TERMS_KEPT as usize, mutation);
        let mut case = Self { real, model, identities, read: vec![Snapshot::default(); PROCESSES] };
        for process in 0..IDS.len() {
            case.take(&Step::Ask(Who::Any(process), RequestSpec::Register(false)), seen).await?;
        }
        Ok(case)
    }

    /// Runs one step on both sides.
    pub async fn take(&mut self, step: &Step, seen: &mut Seen) -> Result<(), String> {
        match step {
            Step::Ask(who, request_spec) => {
                let process = self.process(*who);
                let request = self.request(process, request_spec);
                let before = self.model.clone();
                let replies = [self.model.perform(NOW, &self.identities[process], &request)];
                let real = [self.real.ask(process, &request).await?];
                self.same(&replies, &real)?;
                self.took(process, &request, &replies[0], &before, seen);
            }
            Step::AtOnce([(one, first), (other, second)]) => {
                let one = self.process(*one);
                let other = Some(self.process(*other)).filter(|other| *other != one);
                // A process sends one request at a time; the other process of its id may send another.
                let other = other.unwrap_or((one + IDS.len()) % PROCESSES);
                let (first, second) = (self.request(one, first), self.request(other, second));
                let real = self.real.ask_both((one, &first), (other, &second)).await?;
                self.in_either_order((one, &first), (other, &second), &real).await?;
                *seen.entry("two at once").or_default() += 1;
            }
            Step::ByHand(edit) => self.edit_by_hand(edit).await?,
        }
        let rows = self.real.rows(NOW).await;
        if rows != (self.model.nodes.clone(), self.model.terms.clone()) {
            return Err(format!(
                "the rows differ\nstore {rows:#?}\nmodel {:#?}",
                (&self.model.nodes, &self.model.terms)
            ));
        }
        Ok(())
    }

    /// Two requests at once must have the effect of the model with one after the other.
    async fn in_either_order(
        &mut self,
        one: (usize, &Request),
        other: (usize, &Request),
        real: &[Reply; 2],
    ) -> Result<(), String> {
        let rows = self.real.rows(NOW).await;
        let mut tried = Vec::new();
        for turned in [false, true] {
            let mut model = self.model.clone();
            let mut perform = |(process, request): (usize, &Request)| {
                model.perform(NOW, &self.identities[process], request)
            };
            let replies = if turned {
                let second = perform(other);
                [perform(one), second]
            } else {
                [perform(one), perform(other)]
            };
            if self.same(&replies, real).is_ok() && rows == (model.nodes.clone(), model.terms.clone()) {
                self.model = model;
                for ((process, _), reply) in [one, other].into_iter().zip(&replies) {
                    self.remember(process, reply);
                }
                return Ok(());
            }
            tried.push((replies, model));
        }
        Err(format!("neither order matches\nstore {real:#?} {rows:#?}\nmodel {tried:#?}"))
    }

    fn same(&self, model: &[Reply], real: &[Reply]) -> Result<(), String> {
        for (model, real) in model.iter().zip(real) {
            let (model, real) = (comparable(model), comparable(real));
            if model != real {
                return Err(format!("the replies differ\nstore {real:#?}\nmodel {model:#?}"));
            }
        }
        Ok(())
    }

    fn remember(&mut self, process: usize, reply: &Reply) {
        if let Reply::Snapshot(view) = reply {
            self.read[process] = view.clone();
        }
    }

    fn process(&self, who: Who) -> usize {
        let of = |incarnation: Incarnation| {
            self.identities.iter().position(|identity| identity.incarnation == incarnation)
        };
        match who {
            Who::Any(process) => process,
            Who::HolderOf(id) => {
                self.model.nodes.get(IDS[id]).and_then(|row| of(row.incarnation)).unwrap_or(id)
            }
            Who::Leader => self.model.open_term().and_then(|term| of(term.incarnation)).unwrap_or(0),
        }
    }

    fn request(&self, process: usize, request_spec: &RequestSpec) -> Request {
        let identity = &self.identities[process];
        match request_spec {
            RequestSpec::Register(take_over) => {
                Request::Register { take_over: take_over.then(|| self.taking_over(process)).flatten() }
            }
            RequestSpec::Heartbeat { term, candidate, beats } => Request::Heartbeat {
                belief: match term {
                    Some(term_ref) => Belief::Leader(self.term(process, *term_ref)),
                    None if *candidate => Belief::Candidate,
                    None => Belief::Follower,
                },
                seq_floor: self.counted(process, *beats),
            },
            RequestSpec::Observe(terms) => Request::Observe {
                terms: terms.iter().map(|term_ref| self.term(process, *term_ref)).collect(),
            },
            RequestSpec::Claim { on, known, floor, beats } => {
                let view = self.basis(process, *on);
                let opinion = |(id, opinion): (&&str, &PeerOpinion)| {
                    let row = view.node(id).filter(|row| row.id != identity.id)?;
                    let (live, skipped) = match opinion {
                        PeerOpinion::Unseen => return None,
                        PeerOpinion::Live => (true, false),
                        PeerOpinion::Dead => (false, false),
                        PeerOpinion::Skipped => (true, true),
                    };
                    let (incarnation, heartbeat_seq) = (row.incarnation, row.heartbeat_seq);
                    Some(PeerView { id: row.id.clone(), incarnation, heartbeat_seq, live, skipped })
                };
                let electorate = Electorate {
                    id: identity.id.clone(),
                    incarnation: identity.incarnation,
                    election_timeout: TIMEOUT,
                    peers: IDS.iter().zip(known).filter_map(opinion).collect(),
                };
                let (min_term, seq_floor) = (Term::new(*floor), self.counted(process, *beats));
                Request::Claim(Claim { incumbent: view.incumbent(), electorate, min_term, seq_floor })
            }
            RequestSpec::EndTerm(term_ref, reason) => {
                Request::EndTerm { term: self.term(process, *term_ref), reason: *reason }
            }
            RequestSpec::Leave(end) => Request::Leave { end: *end },
            RequestSpec::Cleanup => Request::Cleanup { older_than: STALE },
        }
    }

    /// The row of its own id, from its last snapshot, or from the tables if it has none.
    fn taking_over(&self, process: usize) -> Option<TakeOver> {
        let identity = &self.identities[process];
        let basis = if self.read[process].nodes.is_empty() { Basis::Now } else { Basis::Read };
        let view = self.basis(process, basis);
        let row = view.node(&identity.id).filter(|row| row.incarnation != identity.incarnation)?;
        let leads =
            row.is_leader() || view.open_term().is_some_and(|term| term.incarnation == row.incarnation);
        Some(match leads {
            true => TakeOver::Leader { incarnation: row.incarnation, incumbent: view.incumbent() },
            false => TakeOver::Follower(row.incarnation),
        })
    }

    /// The count of its own id's row, plus `more`.
    fn counted(&self, process: usize, more: i64) -> HeartbeatSeq {
        let row = self.model.nodes.get(&self.identities[process].id);
        HeartbeatSeq::new(row.map_or(0, |row| row.heartbeat_seq.get()) + more)
    }

    fn basis(&self, process: usize, on: Basis) -> Snapshot {
        match on {
            Basis::Now => self.model.view(NOW, &self.identities[process].id, &[]),
            Basis::Read => self.read[process].clone(),
        }
    }

    fn term(&self, process: usize, term_ref: TermRef) -> Term {
        let newest =
            |view: &Snapshot| view.open_term().or(view.newest_term()).map_or(Term::NONE, |row| row.term);
        match term_ref {
            TermRef::Newest => newest(&self.basis(process, Basis::Now)),
            TermRef::Read => newest(&self.read[process]),
            TermRef::Before(n) => earlier(newest(&self.basis(process, Basis::Now)), n),
        }
    }

    async fn edit_by_hand(&mut self, edit: &ManualEdit) -> Result<(), String> {
        let newest = self.model.terms.keys().next_back().copied();
        let node = |set: &str, id: usize| {
            format!("UPDATE node_records SET {set} WHERE election = $e AND id = '{}'", IDS[id])
        };
        let sql = match edit {
            ManualEdit::DeleteNode(id) => {
                self.model.nodes.remove(IDS[*id]);
                format!("DELETE FROM node_records WHERE election = $e AND id = '{}'", IDS[*id])
            }
            ManualEdit::Age(id, age) => {
                if let Some(row) = self.model.nodes.get_mut(IDS[*id]) {
                    row.last_heartbeat = NOW - i64::from(*age) * 1_000_000;
                }
                node(&format!("last_heartbeat = $ago({age})"), *id)
            }
            ManualEdit::Eligible(id, eligible) => {
                if let Some(row) = self.model.nodes.get_mut(IDS[*id]) {
                    row.eligible = *eligible;
                }
                node(&format!("eligible = {eligible}"), *id)
            }
            ManualEdit::Priority(id, priority) => {
                if let Some(row) = self.model.nodes.get_mut(IDS[*id]) {
                    row.priority = *priority;
                }
                node(&format!("priority = {priority}"), *id)
            }
            ManualEdit::DeleteTerm(before) => {
                let Some(newest) = newest else { return Ok(()) };
                let term = earlier(newest, *before);
                self.model.terms.remove(&term);
                format!("DELETE FROM election_terms WHERE election = $e AND term = {term}")
            }
            ManualEdit::Successor(id) => {
                let Some(newest) = newest else { return Ok(()) };
                if let Some(row) = self.model.terms.get_mut(&newest) {
                    row.successor = Some(IDS[*id].to_owned());
                }
                let set = format!("successor = '{}'", IDS[*id]);
                format!("UPDATE election_terms SET {set} WHERE election = $e AND term = {newest}")
            }
            ManualEdit::CloseTerm => {
                for row in self.model.terms.values_mut().filter(|row| row.end_reason.is_none()) {
                    row.end_reason = Some(protocol::EndReason::Lapsed);
                }
                "UPDATE election_terms SET ended_at = $now, end_reason = 'lapsed' \
                 WHERE election = $e AND ended_at IS NULL"
                    .to_owned()
            }
            ManualEdit::Demote => {
                for row in self.model.nodes.values_mut().filter(|row| row.is_leader()) {
                    row.status = NodeStatus::Candidate;
                }
                "UPDATE node_records SET status = 'candidate' WHERE election = $e AND status = 'leader'"
                    .to_owned()
            }
        };
        self.real.edit_by_hand(&sql).await
    }

    /// Counts what happened.
    fn took(&mut self, process: usize, request: &Request, reply: &Reply, before: &Database, seen: &mut Seen) {
        self.remember(process, reply);
        let identity = &self.identities[process];
        let own = before.nodes.get(&identity.id);
        let kind = match (request, reply) {
            (_, Reply::Registered { .. }) => match own {
                None => "registered",
                Some(row) if row.incarnation == identity.incarnation => "registered again",
                Some(row) if row.is_leader() => "taken over from a leader",
                Some(_) => "taken over from a follower",
            },
            (_, Reply::IdTaken { leading: true, .. }) => "id held by a leader",
            (_, Reply::IdTaken { leading: false, .. }) => "id held by a follower",
            (Request::Heartbeat { belief: Belief::Leader(_), .. }, Reply::HeartbeatAck { seq: Some(_) }) => {
                "renewal"
            }
            (Request::Heartbeat { belief: Belief::Leader(_), .. }, _) => "renewal refused",
            (Request::Heartbeat { .. }, Reply::HeartbeatAck { seq: Some(_) }) => "heartbeat",
            (Request::Heartbeat { .. }, _) => "heartbeat refused",
            (_, Reply::Claimed { .. }) if before.nodes.values().any(NodeRecord::is_leader) => {
                "claimed from a leader"
            }
            (_, Reply::Claimed { .. }) => "claimed",
            (_, Reply::ClaimRejected(ClaimRejected::IncumbentChanged)) => "claim lost: moved",
            (_, Reply::ClaimRejected(ClaimRejected::BetterCandidate(_))) => "claim lost: better",
            (_, Reply::ClaimRejected(ClaimRejected::OwnRowChanged)) => "claim lost: unregistered",
            (_, Reply::TermEnded) if before.open_term() != self.model.open_term() => "term ended",
            (_, Reply::Left) if own.is_some_and(|row| row.incarnation == identity.incarnation) => "left",
            (_, Reply::Snapshot(_)) => "view",
            (_, Reply::Cleaned { nodes: 1.., .. }) => "cleaned nodes",
            (_, Reply::Cleaned { terms: 1.., .. }) => "cleaned terms",
            _ => return,
        };
        *seen.entry(kind).or_default() += 1;
    }
}

/// The term this many before.
fn earlier(term: Term, by: i64) -> Term {
    Term::new(term.get() - by)
}

/// A reply without the order of its rows and without the time that the test took.
fn comparable(reply: &Reply) -> Reply {
    let Reply::Snapshot(view) = reply else { return reply.clone() };
    let mut view = view.clone();
    view.terms.sort_by_key(|row| row.term);
    view.nodes.sort_by(|one, other| one.id.cmp(&other.id));
    for row in &mut view.nodes {
        let seconds = i64::try_from(row.heartbeat_age.as_secs()).unwrap_or(i64::MAX - 100);
        row.heartbeat_age = Duration::from_secs(coarse(seconds).unsigned_abs());
    }
    Reply::Snapshot(view)
}
