//! The rules' values, as the columns have them.

use std::time::Duration;

use entity::sea_orm_active_enums::NodeStatus as NodeStatusColumn;
use protocol::Incarnation;
use protocol::NodeStatus;
use uuid::Uuid;

/// An incarnation as a column has it.
pub(super) fn uuid(incarnation: Incarnation) -> Uuid {
    Uuid::from_u128(incarnation.0)
}

/// An incarnation that was read.
pub(super) fn incarnation(uuid: Uuid) -> Incarnation {
    Incarnation(uuid.as_u128())
}

/// A status that was read.
pub(super) fn node_status(status: NodeStatusColumn) -> NodeStatus {
    match status {
        NodeStatusColumn::Follower => NodeStatus::Follower,
        NodeStatusColumn::Candidate => NodeStatus::Candidate,
        NodeStatusColumn::Leader => NodeStatus::Leader,
    }
}

/// A lease that was read; one below zero, which only a hand can have written, is none.
pub(super) fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(ms.try_into().unwrap_or(0))
}

/// An age in seconds that was read. A row from the future, which there is after the database's clock went back, counts
/// as new, and so does what is no number.
pub(super) fn age(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_below_zero_or_no_number_is_none_and_an_endless_one_the_longest() {
        for (seconds, expected) in [
            (-1.0, Duration::ZERO),
            (-1e300, Duration::ZERO),
            (f64::NAN, Duration::ZERO),
            (0.25, Duration::from_millis(250)),
            (f64::INFINITY, Duration::MAX),
        ] {
            assert_eq!(age(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn a_lease_below_zero_is_none() {
        assert_eq!(milliseconds(-1), Duration::ZERO);
        assert_eq!(milliseconds(1500), Duration::from_millis(1500));
    }
}
