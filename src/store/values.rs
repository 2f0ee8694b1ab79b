//! The rules' values as column values.

use std::time::Duration;

use entity::sea_orm_active_enums::NodeStatus as NodeStatusColumn;
use protocol::Incarnation;
use protocol::NodeStatus;
use uuid::Uuid;

/// The column value of an incarnation.
pub(super) fn uuid(incarnation: Incarnation) -> Uuid {
    Uuid::from_u128(incarnation.0)
}

/// The incarnation of a column value.
pub(super) fn incarnation(uuid: Uuid) -> Incarnation {
    Incarnation(uuid.as_u128())
}

/// The status of a column value.
pub(super) fn node_status(status: NodeStatusColumn) -> NodeStatus {
    match status {
        NodeStatusColumn::Follower => NodeStatus::Follower,
        NodeStatusColumn::Candidate => NodeStatus::Candidate,
        NodeStatusColumn::Leader => NodeStatus::Leader,
    }
}

/// The lease of a column value. A value below zero, which only a person can have written, counts as zero.
pub(super) fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(ms.try_into().unwrap_or(0))
}

/// The age of a column value in seconds. A row from the future, which exists after the database's clock went back,
/// counts as new, and so does a value that is not a number.
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
