//! What others see of a node.

use std::time::Duration;

use protocol::{NodeStatus, Term, Time};

use crate::role::{Lifecycle, Role};
use crate::runtime::shared::SharedState;
use crate::store::LiveNode;

/// A node's view of its election, at the moment of the call.
///
/// With the feature `serde` a term is a number, and a duration is seconds in a field whose name ends in `_seconds`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Status {
    /// The election.
    pub election: String,
    /// This node.
    pub node_id: String,
    /// This node's priority.
    pub priority: i32,
    /// The stage of the elector's life.
    pub lifecycle: Lifecycle,
    /// The node's role. `Leader` only while its lease is in force, by the clock at the moment of the call.
    pub role: Role,
    /// The term that this node leads, the same as [`Elector::term`](crate::Elector::term).
    #[cfg_attr(feature = "serde", serde(with = "crate::json::optional_term", default))]
    pub held_term: Option<Term>,
    /// The highest term this node has seen, its own or another's. [`Term::NONE`] before the first.
    #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
    pub highest_term: Term,
    /// The leader's id: this node's while it leads, otherwise that of the node whose lease is in force as far as this
    /// node has seen.
    pub leader: Option<String>,
    /// How long this node's lease stays in force, while it leads.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "lease_remaining_seconds", with = "crate::json::optional_seconds", default)
    )]
    pub lease_remaining: Option<Duration>,
    /// How long ago the database last answered this node. None before the first answer.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "since_last_database_reply_seconds", with = "crate::json::optional_seconds", default)
    )]
    pub since_last_database_reply: Option<Duration>,
}

impl Status {
    pub(crate) fn of(state: &SharedState, now: Time) -> Self {
        let lease = state.lease_at(now);
        let node = state.node.as_ref();
        let running = state.exit.is_none();
        let seen = node
            .and_then(|node| node.leader.as_ref())
            .filter(|leader| running && now < leader.expires)
            .map(|leader| leader.id.clone());
        let (role, leader) = match (lease, node.map(|node| node.role)) {
            (Some(_), _) => (Role::Leader, Some(state.node_id.clone())),
            (None, Some(protocol::Role::Candidate)) if running => (Role::Candidate, None),
            (None, _) => (Role::Follower, seen),
        };
        Self {
            election: state.election.clone(),
            node_id: state.node_id.clone(),
            priority: state.priority,
            lifecycle: match (&state.exit, node) {
                (Some(_), _) => Lifecycle::Ended,
                (None, None) => Lifecycle::Idle,
                (None, Some(node)) if node.registered => Lifecycle::Joined,
                (None, Some(_)) => Lifecycle::Joining,
            },
            role,
            held_term: lease.map(|lease| lease.term),
            highest_term: node.map_or(Term::NONE, |node| node.highest_term),
            leader,
            lease_remaining: lease.map(|lease| lease.deadline.since(now)),
            since_last_database_reply: state.last_reply.map(|replied| now.since(replied)),
        }
    }
}

/// A live node, according to its row in the database.
///
/// With the feature `serde` the term is a number, and the age is seconds in the field `heartbeat_age_seconds`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct NodeInfo {
    /// Its id.
    pub id: String,
    /// Its role as written in its row. A leader's row keeps it until the term is ended in the database.
    pub role: Role,
    /// Its priority.
    pub priority: i32,
    /// Whether it may campaign.
    pub eligible: bool,
    /// The term it leads or last led. [`Term::NONE`] if it never did.
    #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
    pub term: Term,
    /// Its advertised address.
    pub address: Option<String>,
    /// How long ago it last wrote a heartbeat, on the database's clock.
    #[cfg_attr(feature = "serde", serde(rename = "heartbeat_age_seconds", with = "crate::json::seconds"))]
    pub heartbeat_age: Duration,
}

impl From<LiveNode> for NodeInfo {
    fn from(node: LiveNode) -> Self {
        Self {
            id: node.id,
            role: match node.status {
                NodeStatus::Leader => Role::Leader,
                NodeStatus::Candidate => Role::Candidate,
                NodeStatus::Follower => Role::Follower,
            },
            priority: node.priority,
            eligible: node.eligible,
            term: node.term,
            address: node.address,
            heartbeat_age: node.heartbeat_age,
        }
    }
}

#[cfg(test)]
mod tests;
