//! Rules broken on purpose, to see that the simulation notices. Without the feature `mutations` nothing is ever broken
//! and nothing of this is left in the program.

#[cfg(feature = "mutations")]
use std::cell::Cell;

/// A rule to be broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// The lease counts from when the reply arrived.
    LeaseFromReply,
    /// What a look says counts from before the look was sent.
    ExpiryFromSend,
    /// A lease is taken to be as long as the observer's own.
    OwnSettings,
    /// The vanishing of a leader's row is no new version.
    VanishingIgnored,
    /// Nobody's turn ever passes.
    NoPassOver,
}

#[cfg(feature = "mutations")]
thread_local! {
    static BROKEN: Cell<Option<Mutation>> = const { Cell::new(None) };
}

/// Breaks a rule on this thread from here on, or none.
#[cfg(feature = "mutations")]
pub fn break_rule(mutation: Option<Mutation>) {
    BROKEN.set(mutation);
}

#[cfg(feature = "mutations")]
pub(super) fn broken(mutation: Mutation) -> bool {
    BROKEN.get() == Some(mutation)
}

#[cfg(not(feature = "mutations"))]
pub(super) const fn broken(_: Mutation) -> bool {
    false
}
