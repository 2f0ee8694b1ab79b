//! The five rules that the simulation breaks on purpose, to see that its checks notice.
//!
//! Everything else uses [`Rules::SAFE`]. A rule is a value, so that no build of this package can be switched to unsafe
//! ones.

use std::time::Duration;

use super::time::Time;

/// Which rules a [`Machine`](super::Machine) follows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rules {
    /// When a leader's own lease begins.
    pub lease_from: LeaseFrom,
    /// When another node's lease begins for an observer.
    pub expiry_from: ExpiryFrom,
    /// How long a lease lasts for an observer.
    pub lease_length: LeaseLength,
    /// What it means that a leader's row has vanished.
    pub vanishing: Vanishing,
    /// How long a preferred candidate is waited for.
    pub skipping: Skipping,
}

/// When a leader's own lease begins.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LeaseFrom {
    /// Before the renewal was sent: the only moment that is surely before any observer's.
    Sent,
    /// Unsafe: when the reply arrived.
    Reply,
}

/// When another node's lease begins for an observer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ExpiryFrom {
    /// When the snapshot arrived: the only moment that is surely after the leader's.
    Reply,
    /// Unsafe: before the snapshot was requested.
    Sent,
}

/// How long a lease lasts for an observer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LeaseLength {
    /// As long as the leader's own rows say.
    Observed,
    /// Unsafe: this long, whatever the rows say.
    Assumed(Duration),
}

/// What it means that a leader's row has vanished.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Vanishing {
    /// A new version: the leader may have renewed before somebody deleted its row.
    NewVersion,
    /// Unsafe: nothing.
    Ignored,
}

/// How long a preferred candidate is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Skipping {
    /// For some heartbeat intervals; then it is skipped.
    Bounded,
    /// Without end, so that a node which cannot claim leaves the election without a leader.
    Never,
}

impl Rules {
    /// The rules as docs/SAFETY.md proves them.
    pub const SAFE: Self = Self {
        lease_from: LeaseFrom::Sent,
        expiry_from: ExpiryFrom::Reply,
        lease_length: LeaseLength::Observed,
        vanishing: Vanishing::NewVersion,
        skipping: Skipping::Bounded,
    };

    /// When a leader's own lease begins, if its renewal was sent and answered at these times.
    pub(crate) fn lease_start(&self, sent: Time, replied: Time) -> Time {
        match self.lease_from {
            LeaseFrom::Sent => sent,
            LeaseFrom::Reply => replied,
        }
    }

    /// When an observer counts a snapshot as seen, if it was requested and arrived at these times.
    pub(crate) fn observed_at(&self, sent: Time, replied: Time) -> Time {
        match self.expiry_from {
            ExpiryFrom::Reply => replied,
            ExpiryFrom::Sent => sent,
        }
    }

    /// How long a lease lasts, if its rows say this.
    pub(crate) fn lease_length(&self, observed: Duration) -> Duration {
        match self.lease_length {
            LeaseLength::Observed => observed,
            LeaseLength::Assumed(length) => length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, ms};

    #[test]
    fn only_broken_rules_count_from_the_wrong_moment_or_by_another_length() {
        let (sent, replied) = (at(1), at(2));
        let safe = Rules::SAFE;
        assert_eq!((safe.lease_start(sent, replied), safe.observed_at(sent, replied)), (sent, replied));
        assert_eq!(safe.lease_length(ms(7)), ms(7));
        let broken = Rules {
            lease_from: LeaseFrom::Reply,
            expiry_from: ExpiryFrom::Sent,
            lease_length: LeaseLength::Assumed(ms(9)),
            ..safe
        };
        assert_eq!((broken.lease_start(sent, replied), broken.observed_at(sent, replied)), (replied, sent));
        assert_eq!(broken.lease_length(ms(7)), ms(9));
    }
}
