//! The state that others can read. The driver is its only publisher.

use protocol::{Lease, NodeState, Time};

/// How an elector ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exit {
    /// By a stop.
    Stopped {
        /// Whether the node deregistered from the database in time.
        clean: bool,
    },
    /// Another process took the node's id.
    Replaced,
    /// The loop panicked, or one of its tasks did: the panic's message.
    Crashed(String),
}

/// The published state. It does not store "I am leader": the reader compares the lease's deadline with the clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedState {
    /// The election.
    pub election: String,
    /// This node.
    pub node_id: String,
    /// Its priority.
    pub priority: i32,
    /// What the rules publish. None before the start.
    pub node: Option<NodeState>,
    /// The leadership it holds, for as long as the clock is before the deadline.
    pub lease: Option<Lease>,
    /// When the database last answered.
    pub last_reply: Option<Time>,
    /// How the elector ended.
    pub exit: Option<Exit>,
}

impl SharedState {
    /// The state of a node that has not started.
    pub fn new(election: String, node_id: String, priority: i32) -> Self {
        Self { election, node_id, priority, node: None, lease: None, last_reply: None, exit: None }
    }

    /// The leadership that the node holds at this time. No other code decides this.
    pub fn lease_at(&self, now: Time) -> Option<Lease> {
        self.lease.filter(|lease| now < lease.deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::Term;

    use super::*;

    #[test]
    fn a_lease_is_over_at_its_deadline_and_not_a_nanosecond_later() {
        let just_before = Time::from_origin(Duration::from_secs(7));
        let deadline = just_before + Duration::from_nanos(1);
        let lease = Lease { term: Term::new(3), since: Time::default(), deadline };
        let mut state = SharedState::new("e".to_owned(), "n".to_owned(), 0);
        assert_eq!(state.lease_at(Time::default()), None);
        state.lease = Some(lease);
        assert_eq!(state.lease_at(just_before), Some(lease));
        assert_eq!(state.lease_at(deadline), None);
    }
}
