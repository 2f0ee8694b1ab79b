//! The numbers that the proof rests on, each a type of its own so that they cannot be confused.

use std::fmt;

/// The number of a leadership. Every leadership of an election has a higher one than all before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Term(i64);

impl Term {
    /// No term: in a node's row, before the node has ever led; as the highest term, before the first.
    pub const NONE: Self = Self(0);

    /// The term with this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number, as the database stores it.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The term after this one; none after the highest number that the database can store.
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(next) => Some(Self(next)),
            None => None,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One run of a node's process: a random UUID, as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u128);

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({:x})", self.0)
    }
}

/// Counts the heartbeats of one node row. Every write of the row raises it, so that it names the row's version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct HeartbeatSeq(i64);

impl HeartbeatSeq {
    /// Before the first heartbeat.
    pub const ZERO: Self = Self(0);

    /// The count with this number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number, as the database stores it.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The count that the next heartbeat writes.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for HeartbeatSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One exact leadership: the term's number and the incarnation that holds it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LeadershipId {
    /// The term.
    pub term: Term,
    /// The process that claimed the term.
    pub incarnation: Incarnation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_followed_by_the_next_number_until_there_is_none() {
        assert_eq!(Term::new(7).get(), 7);
        assert_eq!(Term::NONE.next(), Some(Term::new(1)));
        assert_eq!(Term::new(i64::MAX).next(), None);
    }

    #[test]
    fn a_heartbeat_count_is_followed_by_the_next_number_and_the_highest_by_itself() {
        assert_eq!(HeartbeatSeq::new(7).next().get(), 8);
        assert_eq!(HeartbeatSeq::new(i64::MAX).next(), HeartbeatSeq::new(i64::MAX));
    }

    #[test]
    fn numbers_are_shown_in_decimal_and_incarnations_in_hexadecimal() {
        assert_eq!(format!("{:>3} {}", Term::new(7), HeartbeatSeq::new(8)), "  7 8");
        assert_eq!(format!("{:?}", Incarnation(0xab)), "Incarnation(ab)");
    }
}
