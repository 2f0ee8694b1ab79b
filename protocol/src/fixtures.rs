//! Rows, views and timing for the tests, in few words.
//!
//! Nodes `a`, `b`, `c` rank in this order. H is 1000 ms, G 2200 ms, L 2000 ms.

use std::time::Duration;

use super::snapshot::{EndReason, NodeRow, NodeStatus, Snapshot, TermRow};
use super::term::{HeartbeatSeq, Incarnation, LeadershipId, Term};
use super::time::Time;
use super::timing::Timing;

pub const H: u64 = 1000;
pub const G: u64 = 2200;
pub const L: u64 = 2000;

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What the clock shows at 0.
pub const ORIGIN: Duration = Duration::from_secs(100);

pub const fn at(n: u64) -> Time {
    Time::from_origin(ORIGIN.saturating_add(ms(n)))
}

pub fn timing() -> Timing {
    Timing::new(ms(H), ms(3200), ms(6400), 0.1).unwrap()
}

pub const fn number(term: i64) -> Term {
    Term::new(term)
}

pub const fn seq(number: i64) -> HeartbeatSeq {
    HeartbeatSeq::new(number)
}

/// The leadership of a node's first process.
pub fn leadership(number: i64, id: &str) -> LeadershipId {
    LeadershipId { term: Term::new(number), incarnation: process(id) }
}

/// The first process of a node.
pub fn process(id: &str) -> Incarnation {
    Incarnation(u128::from_str_radix(id, 36).unwrap())
}

/// A follower's row.
pub fn row(id: &str, seq: i64) -> NodeRow {
    NodeRow {
        id: id.to_owned(),
        incarnation: process(id),
        status: NodeStatus::Follower,
        priority: match id {
            "a" => 30,
            "b" => 20,
            _ => 10,
        },
        eligible: true,
        term: Term::NONE,
        heartbeat_seq: HeartbeatSeq::new(seq),
        lease_duration: ms(G),
        heartbeat_age: Duration::ZERO,
    }
}

/// A leader's row.
pub fn leader(id: &str, term: i64, seq: i64) -> NodeRow {
    NodeRow { status: NodeStatus::Leader, term: Term::new(term), ..row(id, seq) }
}

/// An open term.
pub fn term(term: i64, id: &str) -> TermRow {
    TermRow {
        term: Term::new(term),
        leader_id: id.to_owned(),
        incarnation: process(id),
        lease_duration: ms(G),
        end_reason: None,
        successor: None,
    }
}

/// The rows of a snapshot.
pub struct Fixture(Snapshot);

pub fn snapshot() -> Fixture {
    Fixture(Snapshot::default())
}

impl Fixture {
    pub fn open(self, number: i64, id: &str) -> Self {
        self.term(term(number, id))
    }

    pub fn ended(self, number: i64, id: &str, reason: EndReason) -> Self {
        self.term(TermRow { end_reason: Some(reason), ..term(number, id) })
    }

    pub fn term(mut self, row: TermRow) -> Self {
        self.0.terms.push(row);
        self
    }

    pub fn node(mut self, row: NodeRow) -> Self {
        self.0.nodes.push(row);
        self
    }
}

impl From<Fixture> for Snapshot {
    fn from(fixture: Fixture) -> Snapshot {
        fixture.0
    }
}
