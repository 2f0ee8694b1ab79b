//! Everything that can be broken on purpose, to see that the checks notice.

use protocol::{self, break_rule};

/// One rule broken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mutation {
    /// A heartbeat counts for whatever process's row is there under the id.
    HeartbeatForAnyIncarnation,
    /// A renewal counts for whatever term the row leads in.
    RenewalForAnyTerm,
    /// A follower's heartbeat counts for a row that says leader, too.
    FollowerBeatsLeader,
    /// A heartbeat that arrives after a later one counts, too.
    LateHeartbeatCounts,
    /// A claim does not read again.
    ClaimUnchecked,
    /// A new term is one more than the claiming node's own last one.
    TermFromNode,
    /// Clocks run further apart than the setting allows.
    DriftBeyondSetting,
    /// Whether a process leads is a flag that is set when something happens, not computed when asked.
    StoredFlag,
    /// A lease counts from when the renewal's reply arrived.
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

impl Mutation {
    /// All of them.
    pub const ALL: [Mutation; 13] = [
        Mutation::HeartbeatForAnyIncarnation,
        Mutation::RenewalForAnyTerm,
        Mutation::FollowerBeatsLeader,
        Mutation::LateHeartbeatCounts,
        Mutation::ClaimUnchecked,
        Mutation::TermFromNode,
        Mutation::DriftBeyondSetting,
        Mutation::StoredFlag,
        Mutation::LeaseFromReply,
        Mutation::ExpiryFromSend,
        Mutation::OwnSettings,
        Mutation::VanishingIgnored,
        Mutation::NoPassOver,
    ];

    /// Runs `work` with the rule broken, where the rule is one of the protocol's own.
    pub fn during<T>(mutation: Option<Mutation>, work: impl FnOnce() -> T) -> T {
        break_rule(mutation.and_then(Mutation::in_the_rules));
        let result = work();
        break_rule(None);
        result
    }

    fn in_the_rules(self) -> Option<protocol::Mutation> {
        match self {
            Mutation::LeaseFromReply => Some(protocol::Mutation::LeaseFromReply),
            Mutation::ExpiryFromSend => Some(protocol::Mutation::ExpiryFromSend),
            Mutation::OwnSettings => Some(protocol::Mutation::OwnSettings),
            Mutation::VanishingIgnored => Some(protocol::Mutation::VanishingIgnored),
            Mutation::NoPassOver => Some(protocol::Mutation::NoPassOver),
            _ => None,
        }
    }
}
