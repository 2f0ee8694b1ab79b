//! This node's own leadership.

use std::time::Duration;

use super::snapshot::EndReason;
use super::term::Term;
use super::time::Time;

/// A leadership held by this node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Lease {
    /// The term.
    pub term: Term,
    /// When this node became leader.
    pub since: Time,
    /// The end of the lease: L after the last successful renewal was sent. The node leads only while the clock is
    /// before it. Nothing stores "I am leader".
    pub deadline: Time,
}

/// What this node knows of its own leadership.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tenure {
    /// No leadership, as far as it knows.
    None,
    /// A lease. It may have run out by the clock.
    Held(Lease),
    /// A term of this incarnation that it does not hold: it lapsed, it was deposed, or the claim's reply was lost.
    /// The node ends that term before it campaigns again.
    Orphaned {
        /// The term.
        term: Term,
        /// Why it ended.
        reason: EndReason,
    },
    /// A claim's reply was lost, and no snapshot has shown since whether the claim succeeded.
    Unknown,
}

impl Tenure {
    /// The lease that the node holds.
    pub fn lease(&self) -> Option<Lease> {
        match self {
            Self::Held(lease) => Some(*lease),
            Self::None | Self::Orphaned { .. } | Self::Unknown => None,
        }
    }

    /// A claim succeeded: the lease counts from `start`, for `length`.
    pub fn adopt(&mut self, now: Time, term: Term, start: Time, length: Duration) {
        *self = Self::Held(Lease { term, since: now, deadline: start + length });
    }

    /// A renewal of `term` succeeded: the lease now runs until `length` after `start`. False if the node does not
    /// hold that term.
    pub fn renew(&mut self, term: Term, start: Time, length: Duration) -> bool {
        match self {
            Self::Held(lease) if lease.term == term => {
                lease.deadline = lease.deadline.max(start + length);
                true
            }
            _ => false,
        }
    }

    /// The node gives its lease up at once. Its term remains to be ended, for this reason.
    pub fn step_down(&mut self, reason: EndReason) -> Option<Lease> {
        let lease = self.lease()?;
        *self = Self::Orphaned { term: lease.term, reason };
        Some(lease)
    }

    /// A snapshot shows an open term of this incarnation that the node does not hold.
    pub fn orphan(&mut self, term: Term) {
        *self = Self::Orphaned { term, reason: EndReason::Lapsed };
    }

    /// A claim got no answer.
    pub fn doubt(&mut self) {
        *self = Self::Unknown;
    }

    /// A snapshot has arrived. It shows whether the claim succeeded.
    pub fn resolve_doubt(&mut self) {
        if *self == Self::Unknown {
            *self = Self::None;
        }
    }

    /// The orphaned term has ended in the database, too.
    pub fn forget_orphan(&mut self) {
        *self = Self::None;
    }

    /// The reason for which a node that resigns ends its own term. None if it has none.
    pub fn reason_to_end(&self) -> Option<EndReason> {
        match self {
            Self::None => None,
            Self::Held(_) | Self::Unknown => Some(EndReason::Resigned),
            Self::Orphaned { reason, .. } => Some(*reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{at, ms, number};

    fn held() -> Tenure {
        let mut tenure = Tenure::None;
        tenure.adopt(at(5), number(3), at(0), ms(100));
        tenure
    }

    #[test]
    fn a_lease_counts_from_when_its_claim_or_renewal_was_sent() {
        let mut tenure = held();
        let lease = Lease { term: number(3), since: at(5), deadline: at(100) };
        assert_eq!(tenure.lease(), Some(lease));
        assert!(tenure.renew(number(3), at(50), ms(100)));
        assert_eq!(tenure.lease(), Some(Lease { deadline: at(150), ..lease }));
    }

    #[test]
    fn no_renewal_shortens_a_lease() {
        let mut tenure = held();
        assert!(tenure.renew(number(3), at(0), ms(50)));
        assert_eq!(tenure, held());
    }

    #[test]
    fn only_a_renewal_of_the_very_term_that_is_held_renews() {
        let orphaned = Tenure::Orphaned { term: number(3), reason: EndReason::Lapsed };
        for (before, term) in
            [(held(), 2), (held(), 4), (orphaned, 3), (Tenure::None, 3), (Tenure::Unknown, 3)]
        {
            let mut tenure = before;
            assert!(!tenure.renew(number(term), at(50), ms(100)), "{before:?}");
            assert_eq!(tenure, before);
        }
    }

    #[test]
    fn a_lease_that_is_given_up_leaves_a_term_to_be_ended() {
        let mut tenure = held();
        assert_eq!(tenure.step_down(EndReason::Resigned), held().lease());
        assert_eq!(tenure, Tenure::Orphaned { term: number(3), reason: EndReason::Resigned });
        assert_eq!(tenure.step_down(EndReason::Lapsed), None);
        assert_eq!(tenure.reason_to_end(), Some(EndReason::Resigned));
        tenure.forget_orphan();
        assert_eq!((tenure, tenure.reason_to_end()), (Tenure::None, None));
    }

    #[test]
    fn a_snapshot_resolves_only_doubt() {
        let mut tenure = Tenure::None;
        tenure.doubt();
        assert_eq!(tenure.reason_to_end(), Some(EndReason::Resigned));
        tenure.resolve_doubt();
        assert_eq!(tenure, Tenure::None);
        let mut tenure = held();
        tenure.resolve_doubt();
        assert_eq!(tenure, held());
    }
}
