//! What the outside sees of a node.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;
use crate::runtime::published::{Ending, Published};

/// What a node does in its election.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// It leads.
    Leader,
    /// It sees no leader, and stands or waits for a better node to.
    Candidate,
    /// Another node leads, or this one does not take part yet or any more.
    Follower,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Leader => "leader",
            Role::Candidate => "candidate",
            Role::Follower => "follower",
        })
    }
}

/// How far an elector's life has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State {
    /// Made, not started.
    Idle,
    /// Started; its row is not in the database, or not known to be.
    Joining,
    /// Taking part.
    Joined,
    /// Ended, by [`stop`](crate::Elector::stop) or otherwise.
    Ended,
}

/// A node's view of its election, at the moment it was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Status {
    /// The election.
    pub election: String,
    /// This node.
    pub node_id: String,
    /// This node's priority.
    pub priority: i32,
    /// How far its life has come.
    pub state: State,
    /// What it does. `Leader` only while its lease runs, by the clock at the moment of asking.
    pub role: Role,
    /// The highest term this node has seen; its own while it leads. 0 before the first.
    pub term: i64,
    /// The leader's id: this node's while it leads, else that of the node whose lease is in force as far as this
    /// node has seen.
    pub leader: Option<String>,
    /// How long this node's lease still runs, while it leads.
    pub lease_remaining: Option<Duration>,
    /// How long ago the database last answered this node; none before the first answer.
    pub database_seen: Option<Duration>,
}

impl Status {
    pub(crate) fn of(published: &Published) -> Self {
        let now = clock::now();
        let lease = published.lease.filter(|lease| now < lease.deadline);
        let outlook = published.outlook.as_ref();
        let running = published.ending.is_none();
        let seen = outlook
            .and_then(|outlook| outlook.leader.as_ref())
            .filter(|leader| running && now < leader.expires);
        let (role, leader) = match lease {
            Some(_) => (Role::Leader, Some(published.node_id.clone())),
            None => match outlook.map(|outlook| outlook.role) {
                Some(protocol::Role::Candidate) if running => (Role::Candidate, None),
                _ => (Role::Follower, seen.map(|leader| leader.id.clone())),
            },
        };
        Self {
            election: published.election.clone(),
            node_id: published.node_id.clone(),
            priority: published.priority,
            state: match (&published.ending, outlook) {
                (Some(_), _) => State::Ended,
                (None, None) => State::Idle,
                (None, Some(outlook)) if outlook.registered => State::Joined,
                (None, Some(_)) => State::Joining,
            },
            role,
            term: lease
                .map(|lease| lease.term)
                .or_else(|| outlook.map(|outlook| outlook.highest_term))
                .map_or(0, protocol::Term::get),
            leader,
            lease_remaining: lease.map(|lease| lease.deadline.since(now)),
            database_seen: published.database_seen.map(|seen| now.since(seen)),
        }
    }
}

/// A change of this node's role, as hooks get it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RoleChange {
    /// The election.
    pub election: String,
    /// This node.
    pub node_id: String,
    /// The new role: `Leader` or `Follower`.
    pub role: Role,
    /// The term that begins or that is over.
    pub term: i64,
}

/// A node as the database has it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Its role as written in its row.
    pub role: Role,
    /// Its priority.
    pub priority: i32,
    /// Whether it stands for election.
    pub eligible: bool,
    /// The term it leads or last led; 0 if it never did.
    pub term: i64,
    /// Where clients reach it.
    pub address: Option<String>,
    /// How long ago it last wrote a heartbeat, on the database's clock.
    pub heartbeat_age: Duration,
}

/// Follows a node's status. Made by [`Elector::subscribe`](crate::Elector::subscribe).
#[derive(Clone, Debug)]
pub struct Subscription {
    published: watch::Receiver<Published>,
    last: Option<(Role, i64, Option<String>, State)>,
}

impl Subscription {
    pub(crate) fn new(published: watch::Receiver<Published>) -> Self {
        Self { published, last: None }
    }

    /// The status now. Never blocks, never queries.
    pub fn status(&self) -> Status {
        Status::of(&self.published.borrow())
    }

    /// Waits until role, term, leader or state differ from what the last call returned; the first call returns at
    /// once. None when the elector has ended and that was returned already.
    ///
    /// # Cancel safety
    /// Cancel safe: no change is lost.
    pub async fn changed(&mut self) -> Option<Status> {
        loop {
            let status = Status::of(&self.published.borrow_and_update());
            let key = (status.role, status.term, status.leader.clone(), status.state);
            if self.last.as_ref() != Some(&key) {
                self.last = Some(key);
                return Some(status);
            }
            if status.state == State::Ended || self.published.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Waits until the elector has ended, and says how.
    pub(crate) async fn ended(&mut self) -> Ending {
        match self.published.wait_for(|published| published.ending.is_some()).await {
            Ok(published) => published.ending.clone().unwrap_or(Ending::Crashed),
            Err(_) => Ending::Crashed,
        }
    }
}
