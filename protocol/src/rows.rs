//! What the database says, in the rules' own terms.

use std::fmt;
use std::time::Duration;

/// One run of a node's process: a random UUID, as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u128);

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({:x})", self.0)
    }
}

/// A leadership, and nobody else's: the term's number and the incarnation that was given it.
pub type TermKey = (i64, Incarnation);

/// A node's row.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeRow {
    /// The node's id.
    pub id: String,
    /// The process behind the row.
    pub incarnation: Incarnation,
    /// Whether the row says `leader`.
    pub leading: bool,
    /// Higher is preferred.
    pub priority: i32,
    /// Whether the node stands for election at all.
    pub eligible: bool,
    /// The term the row was last promoted in; 0 before the first.
    pub term: i64,
    /// Counts the heartbeats.
    pub seq: i64,
    /// G of this incarnation.
    pub lease: Duration,
    /// How old the last heartbeat is on the database's clock; zero where that clock went back.
    pub age: Duration,
    /// Where clients reach the node.
    pub address: Option<String>,
}

/// Why a leadership ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EndReason {
    /// The leader gave it up: a graceful stop.
    Resigned,
    /// Handed to a named node at an operator's request.
    Transferred,
    /// Handed to a node of higher priority.
    Preempted,
    /// The leader could not renew in time and closed its own term afterwards.
    Lapsed,
    /// Another node waited the lease out.
    Expired,
    /// A new process of the same node id waited the lease out and took the row over.
    Replaced,
}

/// A leadership's row.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TermRow {
    /// The term.
    pub term: i64,
    /// Who led.
    pub leader_id: String,
    /// The process that led.
    pub incarnation: Incarnation,
    /// G of that incarnation.
    pub lease: Duration,
    /// Why it ended; none while it is open.
    pub ended: Option<EndReason>,
    /// Who is to lead next.
    pub successor: Option<String>,
}

impl TermRow {
    /// The leadership this row is about.
    pub fn key(&self) -> TermKey {
        (self.term, self.incarnation)
    }
}

/// One look at an election: a consistent snapshot of the rows that matter to a node, O(1) of them.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct View {
    /// The open term, the newest term and the terms asked for, each once.
    pub terms: Vec<TermRow>,
    /// The rows that say leader, the open term's leader's, the successor's, the asking node's, and the
    /// best-ranked eligible ones, each once.
    pub nodes: Vec<NodeRow>,
}

/// A node row in one exact version.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RowVersion {
    /// The node's id.
    pub id: String,
    /// The process behind the row.
    pub incarnation: Incarnation,
    /// The term the row was promoted in.
    pub term: i64,
    /// The heartbeat counter.
    pub seq: i64,
}

/// Who holds the election in a view, in that exact version: what a claim must find unchanged.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Incumbent {
    /// The open term.
    pub term: Option<TermKey>,
    /// The row that says leader, whether or not it agrees with the open term.
    pub row: Option<RowVersion>,
}

impl View {
    /// The open term.
    pub fn open(&self) -> Option<&TermRow> {
        self.terms.iter().filter(|term| term.ended.is_none()).max_by_key(|term| term.term)
    }

    /// The highest term.
    pub fn newest(&self) -> Option<&TermRow> {
        self.terms.iter().max_by_key(|term| term.term)
    }

    /// The row of a node.
    pub fn node(&self, id: &str) -> Option<&NodeRow> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The row that says leader.
    pub fn leading(&self) -> Option<&NodeRow> {
        self.nodes.iter().find(|node| node.leading)
    }

    /// The row of the open term's leader, if id, incarnation, term and status all agree with the term.
    pub fn leader(&self) -> Option<&NodeRow> {
        let open = self.open()?;
        self.node(&open.leader_id)
            .filter(|row| row.leading && row.incarnation == open.incarnation && row.term == open.term)
    }

    /// The open term and the row that says leader, in these versions.
    pub fn incumbent(&self) -> Incumbent {
        Incumbent {
            term: self.open().map(TermRow::key),
            row: self.leading().map(|row| RowVersion {
                id: row.id.clone(),
                incarnation: row.incarnation,
                term: row.term,
                seq: row.seq,
            }),
        }
    }

    /// The highest term that any row of this view names.
    pub fn highest_term(&self) -> i64 {
        let terms = self.terms.iter().map(|term| term.term);
        terms.chain(self.nodes.iter().map(|node| node.term)).max().unwrap_or(0)
    }
}
