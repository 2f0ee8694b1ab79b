//! What one read of an election's rows shows, in the rules' own terms.

use std::time::Duration;

use super::term::{HeartbeatSeq, Incarnation, LeadershipId, Term};

/// How many rows of the best-ranked eligible nodes a snapshot shows. It bounds the size of a snapshot, however many
/// nodes there are.
pub const CANDIDATES_READ: usize = 8;

/// A node's status, as its row has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NodeStatus {
    /// It follows a leader.
    Follower,
    /// It sees a vacancy.
    Candidate,
    /// It was promoted to leader.
    Leader,
}

/// A node's row.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NodeRow {
    /// The node's id.
    pub id: String,
    /// The process behind the row.
    pub incarnation: Incarnation,
    /// The node's status.
    pub status: NodeStatus,
    /// Higher is preferred.
    pub priority: i32,
    /// Whether the node may campaign.
    pub eligible: bool,
    /// The term the row was last promoted in; 0 before the first.
    pub term: Term,
    /// Counts the heartbeats.
    pub heartbeat_seq: HeartbeatSeq,
    /// G of this incarnation.
    pub lease_duration: Duration,
    /// How old the last heartbeat is on the database's clock. Zero if that clock went back.
    pub heartbeat_age: Duration,
}

impl NodeRow {
    /// Whether the row has the status leader.
    pub fn is_leader(&self) -> bool {
        self.status == NodeStatus::Leader
    }

    /// The leadership that the row was last promoted in.
    pub fn leadership(&self) -> LeadershipId {
        LeadershipId { term: self.term, incarnation: self.incarnation }
    }
}

/// Why a leadership ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EndReason {
    /// The leader resigned: a graceful stop.
    Resigned,
    /// Handed to a named node at an operator's request.
    Transferred,
    /// Handed to a node of higher priority.
    Preempted,
    /// The leader could not renew in time and ended its own term afterwards.
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
    pub term: Term,
    /// The leader's node id.
    pub leader_id: String,
    /// The process that led.
    pub incarnation: Incarnation,
    /// G of that incarnation.
    pub lease_duration: Duration,
    /// Why it ended; none while it is open.
    pub end_reason: Option<EndReason>,
    /// Who is to lead next.
    pub successor: Option<String>,
}

impl TermRow {
    /// The leadership that this row records.
    pub fn leadership(&self) -> LeadershipId {
        LeadershipId { term: self.term, incarnation: self.incarnation }
    }
}

/// What one read of an election's rows shows: the rows that matter to one node, a bounded number, consistent with
/// each other.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Snapshot {
    /// The open term, the newest term and the requested terms, each once.
    pub terms: Vec<TermRow>,
    /// The rows with the status leader, the rows of the open term's leader, of the successor and of the reading node,
    /// and the [`CANDIDATES_READ`] best-ranked eligible ones, each once.
    pub nodes: Vec<NodeRow>,
}

/// A node's row in one exact version.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RowVersion {
    /// The node's id.
    pub id: String,
    /// The process behind the row.
    pub incarnation: Incarnation,
    /// The term the row was promoted in.
    pub term: Term,
    /// The heartbeat counter.
    pub heartbeat_seq: HeartbeatSeq,
}

/// The open term and the leader's row in their exact versions: what a claim must find unchanged.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Incumbent {
    /// The open term.
    pub term: Option<LeadershipId>,
    /// The row with the status leader, whether or not it agrees with the open term.
    pub row: Option<RowVersion>,
}

impl Snapshot {
    /// The open term.
    pub fn open_term(&self) -> Option<&TermRow> {
        self.terms.iter().filter(|term| term.end_reason.is_none()).max_by_key(|term| term.term)
    }

    /// The highest term.
    pub fn newest_term(&self) -> Option<&TermRow> {
        self.terms.iter().max_by_key(|term| term.term)
    }

    /// The row of a node.
    pub fn node(&self, id: &str) -> Option<&NodeRow> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The row with the status leader.
    pub fn leading_row(&self) -> Option<&NodeRow> {
        self.nodes.iter().find(|node| node.is_leader())
    }

    /// The row of the open term's leader, if id, incarnation, term and status all agree with the term.
    pub fn leader(&self) -> Option<&NodeRow> {
        let open = self.open_term()?;
        self.node(&open.leader_id).filter(|row| row.is_leader() && row.leadership() == open.leadership())
    }

    /// The open term and the row with the status leader, in these versions.
    pub fn incumbent(&self) -> Incumbent {
        Incumbent {
            term: self.open_term().map(TermRow::leadership),
            row: self.leading_row().map(|row| RowVersion {
                id: row.id.clone(),
                incarnation: row.incarnation,
                term: row.term,
                heartbeat_seq: row.heartbeat_seq,
            }),
        }
    }

    /// The highest term that any row of this snapshot names.
    pub fn highest_term(&self) -> Term {
        let terms = self.terms.iter().map(|term| term.term);
        terms.chain(self.nodes.iter().map(|node| node.term)).max().unwrap_or_default()
    }
}
