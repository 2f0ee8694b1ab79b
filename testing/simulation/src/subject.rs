//! What a run puts to the test: the rules alone, or the runtime that carries them out.

use crate::mutation::Mutation;

/// What the simulated nodes are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The rules' machine, which the simulation itself hands events to, whole or with one rule broken.
    Rules(Option<Mutation>),
    /// The library's driver, with its machine and what it publishes, on a sound system or on a flawed one.
    Runtime(Option<Flaw>),
}

impl Subject {
    /// The rule that is broken.
    pub fn mutation(self) -> Option<Mutation> {
        match self {
            Subject::Rules(mutation) => mutation,
            Subject::Runtime(_) => None,
        }
    }

    /// Whether it is the runtime.
    pub fn is_runtime(self) -> bool {
        matches!(self, Subject::Runtime(_))
    }
}

/// Something around the driver that does not work as it should, with the effect that a broken driver would have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Flaw {
    /// The clock is not read when a reply is taken in: it shows what it showed when the request was sent.
    ReplyAtTimeOfSending,
    /// The reply to a request that was given up is taken for the reply to the next one.
    ReplyOfGivenUpRequest,
    /// A panic does not withdraw what is published.
    LeadershipOutlivesPanic,
    /// A reader finds a flag, set and cleared by the driver, in place of a deadline to compare with the clock.
    StoredFlag,
    /// Wake-ups are not heard.
    Deaf,
}

impl Flaw {
    /// All of them.
    pub const ALL: [Flaw; 5] = [
        Flaw::ReplyAtTimeOfSending,
        Flaw::ReplyOfGivenUpRequest,
        Flaw::LeadershipOutlivesPanic,
        Flaw::StoredFlag,
        Flaw::Deaf,
    ];
}
