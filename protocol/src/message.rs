//! What goes into the rules and what comes out of them.

use std::time::Duration;

use super::election::{Claim, ClaimRejected};
use super::snapshot::{EndReason, Incumbent, Snapshot};
use super::term::{HeartbeatSeq, Incarnation, Term};
use super::time::Time;

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// A database step was answered, or failed, so that its effect is unknown.
    Reply {
        /// Which step.
        token: u64,
        /// The reply. None if the step failed.
        reply: Option<Reply>,
    },
    /// Something changed in the database, or a notification may have been missed.
    Wake,
    /// The process is asked to stop.
    Stop,
}

/// Something to be done.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Command {
    /// Carry out a database step. It replaces any step under way, whose reply is then ignored.
    Send {
        /// Identifies the step; its reply carries the same token.
        token: u64,
        /// The step.
        request: Request,
        /// When to give up.
        limit: Duration,
    },
    /// Notify the application and the log.
    Announce(Change),
    /// The machine has ended: it sends no more commands.
    End(Outcome),
}

/// One database step: one statement or one transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// Insert this node's row as a follower, or take it over from another incarnation.
    Register {
        /// The incarnation to take it over from.
        take_over: Option<TakeOver>,
    },
    /// Raise the heartbeat counter of this node's row, if the row agrees with what the node believes.
    Heartbeat {
        /// The role the node believes to have.
        belief: Belief,
        /// The request sets the counter to one more than this. No two requests of a process name the same value, so
        /// that no version is written twice even if the database forgot one. If the row's counter is already higher,
        /// this request is late and changes nothing.
        seq_floor: HeartbeatSeq,
    },
    /// Read the election's rows.
    Observe {
        /// Terms to read besides the open and the newest one.
        terms: Vec<Term>,
    },
    /// Try to become leader.
    Claim(Claim),
    /// End a term of this incarnation and demote this node's row, if they are there.
    EndTerm {
        /// Which.
        term: Term,
        /// Why.
        reason: EndReason,
    },
    /// Delete this node's row.
    Leave {
        /// End any open term of this incarnation first, in the same transaction, for this reason. None if the node
        /// knows of no such term. If its row has the status leader nevertheless, that term has lapsed.
        end: Option<EndReason>,
    },
    /// Delete rows of dead nodes, and old terms.
    Cleanup {
        /// How long without a heartbeat, on the database's clock.
        older_than: Duration,
    },
}

/// The role a node believes to have when it sends a heartbeat. The heartbeat changes nothing if the database
/// disagrees.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Belief {
    /// A follower: its row does not have the status leader.
    Follower,
    /// A follower that sees a vacancy: its row gets the status candidate.
    Candidate,
    /// The leader of this term: the heartbeat renews its lease.
    Leader(Term),
}

/// The owner of a row that is taken over.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TakeOver {
    /// The row is not the leader's.
    Follower(Incarnation),
    /// The leader's row, whose lease has run out: its term is ended in the same transaction.
    Leader {
        /// The process behind the row.
        incarnation: Incarnation,
        /// The leadership in the version that ran out.
        incumbent: Incumbent,
    },
}

/// The reply to a database step.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Reply {
    /// The row is this incarnation's, with this heartbeat counter.
    Registered {
        /// The counter.
        seq: HeartbeatSeq,
    },
    /// The row belongs to another incarnation.
    IdTaken {
        /// The incarnation it belongs to.
        incarnation: Incarnation,
        /// Whether it is the leader's: it has the status leader, or the open term is that incarnation's.
        leading: bool,
    },
    /// The heartbeat was written, or no row agrees with what the node believes.
    HeartbeatAck {
        /// The new counter. None if no row agreed.
        seq: Option<HeartbeatSeq>,
    },
    /// What the election's rows show.
    Snapshot(Snapshot),
    /// The claim succeeded.
    Claimed {
        /// The new term.
        term: Term,
    },
    /// The claim gave up.
    ClaimRejected(ClaimRejected),
    /// The term is not open any more, and this node's row does not have the status leader.
    TermEnded,
    /// This node's row is deleted.
    Left,
    /// What the cleanup deleted.
    Cleaned {
        /// Node rows.
        nodes: u64,
        /// Term rows.
        terms: u64,
    },
}

/// A change that is published as an event.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// This node's row is in the database.
    Joined {
        /// Whether it was taken over from another incarnation.
        taken_over: bool,
        /// Whether it had been there before and was deleted.
        again: bool,
    },
    /// The node id belongs to a leader in another process. This process waits for the end of that lease.
    IdHeldByLeader {
        /// When that lease runs out, if it is not renewed.
        until: Time,
    },
    /// This node leads.
    BecameLeader {
        /// The term.
        term: Term,
        /// How long there was no leader, as far as this node could see: since the last renewal that it saw, or since
        /// it saw the term end. None if this node has never seen a leader.
        leaderless: Option<Duration>,
    },
    /// This node no longer leads.
    LostLeadership {
        /// The term that is over.
        term: Term,
        /// Why.
        reason: LossReason,
    },
    /// A claim gave up.
    ClaimRejected(ClaimRejected),
    /// The cleanup deleted something.
    Cleaned {
        /// Node rows.
        nodes: u64,
        /// Term rows.
        terms: u64,
    },
}

/// Why a node no longer leads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LossReason {
    /// It was asked to stop, and resigned.
    ShuttingDown,
    /// It could not renew before its lease ran out.
    Lapsed,
    /// Its term was ended by another node or by hand, or its row no longer has the status leader.
    Deposed,
    /// Another process took this node's id.
    Replaced,
}

impl LossReason {
    /// The reason to write into the term's row.
    pub(crate) fn end_reason(self) -> EndReason {
        match self {
            Self::ShuttingDown => EndReason::Resigned,
            Self::Lapsed | Self::Deposed => EndReason::Lapsed,
            Self::Replaced => EndReason::Replaced,
        }
    }
}

/// How a machine ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// Stopped as asked.
    Stopped {
        /// Whether the node's row and term are known to be gone.
        clean: bool,
    },
    /// Another process took the node's id.
    Replaced,
}
