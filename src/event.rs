//! Events: what happens to a node, as types. The runtime makes them; the log, the hooks and
//! [`Elector::subscribe`](crate::Elector::subscribe) all read the same ones.

use std::fmt;
use std::time::Duration;

use protocol::Term;

use crate::role::Role;

/// Something that happened to a node.
///
/// With the feature `serde` an event is an object whose field `event` is its [`name`](Self::name); terms are numbers,
/// and durations are seconds, in fields whose names end in `_seconds`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(tag = "event", rename_all = "snake_case")
)]
#[non_exhaustive]
pub enum Event {
    /// The node's row is in the database: it takes part.
    #[non_exhaustive]
    Joined {
        /// Whether the row was taken over from an earlier process under the same id.
        taken_over: bool,
        /// Whether the row had been there before and was deleted.
        again: bool,
    },
    /// The node's id belongs to the current leader in another process. The node waits until that lease ends.
    #[non_exhaustive]
    IdHeldByLeader {
        /// How long that lease stays in force, unless it is renewed.
        #[cfg_attr(feature = "serde", serde(rename = "lease_left_seconds", with = "crate::json::seconds"))]
        lease_left: Duration,
    },
    /// This node leads.
    #[non_exhaustive]
    BecameLeader {
        /// Its term.
        #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
        term: Term,
        /// How long there was no leader, as far as this node could see.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "leaderless_seconds", with = "crate::json::optional_seconds", default)
        )]
        leaderless: Option<Duration>,
        /// The previous term, if this node saw how it ended.
        previous: Option<EndedTerm>,
    },
    /// This node no longer leads.
    #[non_exhaustive]
    LostLeadership {
        /// The term that is over.
        #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
        term: Term,
        /// Why.
        reason: LossReason,
    },
    /// This node has observed that another node leads.
    #[non_exhaustive]
    Following {
        /// The leader's node id.
        leader: String,
        /// The leader's term.
        #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
        term: Term,
        /// The previous term, if this node saw how it ended.
        previous: Option<EndedTerm>,
    },
    /// The leader's heartbeat is overdue. Repeated once per heartbeat interval.
    #[non_exhaustive]
    LeaderSilent {
        /// The leader's node id.
        leader: String,
        /// The leader's term.
        #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
        term: Term,
        /// How long ago this node last saw a heartbeat.
        #[cfg_attr(feature = "serde", serde(rename = "silent_for_seconds", with = "crate::json::seconds"))]
        silent_for: Duration,
        /// How long the leader's lease stays in force.
        #[cfg_attr(feature = "serde", serde(rename = "lease_left_seconds", with = "crate::json::seconds"))]
        lease_left: Duration,
        /// The node that would lead next.
        next_leader: Option<String>,
    },
    /// A request to the database failed, for a reason that was not reported in the last 30 s of this outage.
    #[non_exhaustive]
    DatabaseUnreachable {
        /// Which request failed, and why. Contains no password.
        reason: String,
        /// The term this node still leads, if it does.
        #[cfg_attr(feature = "serde", serde(with = "crate::json::optional_term", default))]
        term: Option<Term>,
        /// How long this node's lease stays in force, if it leads.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "lease_left_seconds", with = "crate::json::optional_seconds", default)
        )]
        lease_left: Option<Duration>,
    },
    /// The database answered again.
    #[non_exhaustive]
    DatabaseReachable {
        /// How long after the first failure it answered.
        #[cfg_attr(feature = "serde", serde(rename = "after_seconds", with = "crate::json::seconds"))]
        after: Duration,
    },
    /// This node tried to become leader, but its transaction found that it must not.
    #[non_exhaustive]
    ClaimRejected {
        /// Why.
        reason: ClaimRejection,
    },
    /// The cleanup deleted rows.
    #[non_exhaustive]
    RowsCleaned {
        /// How many rows of dead nodes.
        nodes: u64,
        /// How many old terms.
        terms: u64,
    },
    /// Notifications do not arrive on this connection, for example through a pooler in transaction mode. The node
    /// polls instead.
    #[non_exhaustive]
    NotificationsMissing {
        /// How often it polls.
        #[cfg_attr(
            feature = "serde",
            serde(rename = "polling_every_seconds", with = "crate::json::seconds")
        )]
        polling_every: Duration,
    },
    /// The connection that listens for notifications could not be made. Until it is, the node polls.
    #[non_exhaustive]
    ListeningFailed {
        /// Why.
        reason: String,
    },
    /// One of the application's hooks panicked.
    #[non_exhaustive]
    HookPanicked {
        /// The role that the hook was called for.
        role: Role,
        /// The term that the hook was called for.
        #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
        term: Term,
    },
    /// One of the application's hooks was still running one election timeout after the elector's end, and was aborted.
    #[non_exhaustive]
    HookAborted {
        /// The role that the hook was called for.
        role: Role,
        /// The term that the hook was called for.
        #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
        term: Term,
    },
    /// The reader of these events was too slow: some of them are not delivered.
    #[non_exhaustive]
    Missed {
        /// How many are missing.
        events: u64,
    },
    /// The elector has stopped, as it was asked to.
    #[non_exhaustive]
    Stopped {
        /// Whether the node deregistered from the database in time. If not, the node's row stays until cleanup
        /// deletes it and, if it led, its lease stays in force until it expires.
        clean: bool,
    },
    /// A newer process registered with this node's id. The elector has ended.
    Replaced,
    /// The elector's loop panicked. The elector has ended.
    #[non_exhaustive]
    Crashed {
        /// The panic's message.
        reason: String,
    },
}

impl Event {
    /// The event's name for logs and metrics. It does not change between versions.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Joined { .. } => "joined",
            Self::IdHeldByLeader { .. } => "id_held_by_leader",
            Self::BecameLeader { .. } => "became_leader",
            Self::LostLeadership { .. } => "lost_leadership",
            Self::Following { .. } => "following",
            Self::LeaderSilent { .. } => "leader_silent",
            Self::DatabaseUnreachable { .. } => "database_unreachable",
            Self::DatabaseReachable { .. } => "database_reachable",
            Self::ClaimRejected { .. } => "claim_rejected",
            Self::RowsCleaned { .. } => "rows_cleaned",
            Self::NotificationsMissing { .. } => "notifications_missing",
            Self::ListeningFailed { .. } => "listening_failed",
            Self::HookPanicked { .. } => "hook_panicked",
            Self::HookAborted { .. } => "hook_aborted",
            Self::Missed { .. } => "missed",
            Self::Stopped { .. } => "stopped",
            Self::Replaced => "replaced",
            Self::Crashed { .. } => "crashed",
        }
    }
}

/// A term that is over.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct EndedTerm {
    /// The term.
    #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
    pub term: Term,
    /// The node that led it.
    pub leader: String,
    /// How it ended.
    pub reason: EndReason,
}

impl EndedTerm {
    pub(crate) fn new(term: Term, leader: String, reason: EndReason) -> Self {
        Self { term, leader, reason }
    }
}

impl fmt::Display for EndedTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { term, leader, reason } = self;
        match reason {
            EndReason::Resigned => write!(f, "{leader} resigned from term {term}"),
            EndReason::Transferred => write!(f, "{leader} transferred term {term}"),
            EndReason::Preempted => write!(f, "{leader} gave term {term} up for a higher priority"),
            EndReason::Lapsed => write!(f, "{leader} lost its lease of term {term}"),
            EndReason::Expired => write!(f, "{leader} fell silent in term {term}"),
            EndReason::Replaced => write!(f, "a new process took over {leader}, which led term {term}"),
        }
    }
}

/// How a term ended, according to the database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EndReason {
    /// The leader resigned.
    Resigned,
    /// The leader transferred its leadership to a node that an operator named.
    Transferred,
    /// The leader gave way to a node of higher priority.
    Preempted,
    /// The leader could not renew its lease in time, and ended its own term afterwards.
    Lapsed,
    /// The leader stopped renewing, and the other nodes waited until its lease was over. Also the value for a reason
    /// that only a newer version knows.
    Expired,
    /// Another process took the leader's id.
    Replaced,
}

/// Why this node lost its leadership.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LossReason {
    /// It resigned because it was asked to stop.
    ShuttingDown,
    /// It could not renew its lease in time.
    Lapsed,
    /// Another node or an operator ended its term or changed its row in the database.
    Deposed,
    /// Another process took its id.
    Replaced,
    /// Its loop panicked.
    Crashed,
}

impl LossReason {
    /// The name, in snake case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ShuttingDown => "shutting_down",
            Self::Lapsed => "lapsed",
            Self::Deposed => "deposed",
            Self::Replaced => "replaced",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a claim was rejected.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ClaimRejection {
    /// The leadership had changed in the meantime.
    IncumbentChanged,
    /// A better candidate exists: this node ranks higher.
    BetterCandidate(String),
    /// The claiming node's own row had changed.
    OwnRowChanged,
    /// Another node's claim was committed first.
    Raced,
}

impl fmt::Display for ClaimRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IncumbentChanged => f.write_str("the leadership has changed in the meantime"),
            Self::BetterCandidate(id) => write!(f, "{id} ranks higher"),
            Self::OwnRowChanged => f.write_str("the node's own row has changed"),
            Self::Raced => f.write_str("another node claimed first"),
        }
    }
}
