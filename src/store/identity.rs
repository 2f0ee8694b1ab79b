//! The node whose row the store writes.

use std::time::Duration;

use protocol::Incarnation;
use uuid::Uuid;

/// One node of one election, run by one process: the values of its row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeIdentity {
    /// The election's name.
    pub election: String,
    /// The node's id, unique in its election.
    pub node_id: String,
    /// This run of the node's process.
    pub incarnation: Incarnation,
    /// Higher is preferred.
    pub priority: i32,
    /// The node's advertised address.
    pub address: Option<String>,
    /// G: how long the other nodes stay away after they saw a renewal of this node.
    pub lease_duration: Duration,
    /// How many of the election's newest terms a cleanup of this node keeps.
    pub term_history: u32,
}

impl NodeIdentity {
    /// The incarnation, as the database stores it.
    pub(super) fn uuid(&self) -> Uuid {
        super::values::uuid(self.incarnation)
    }

    /// Rounded up: a node that reads it must not wait for less than the lease.
    pub(super) fn lease_ms(&self) -> i64 {
        i64::try_from(self.lease_duration.as_micros().div_ceil(1000)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_written_in_milliseconds_and_never_shortened() {
        for (lease, written) in [
            (Duration::from_millis(10_000), 10_000),
            (Duration::from_micros(10_000_001), 10_001),
            (Duration::from_micros(999), 1),
            (Duration::MAX, i64::MAX),
        ] {
            let who = NodeIdentity {
                election: String::new(),
                node_id: String::new(),
                incarnation: Incarnation(0),
                priority: 0,
                address: None,
                lease_duration: lease,
                term_history: 1,
            };
            assert_eq!(who.lease_ms(), written, "{lease:?}");
        }
    }
}
