//! Everything that can be broken on purpose, to see that the checks notice.

use protocol::{ExpiryFrom, LeaseFrom, LeaseLength, Rules, Skipping, Timing, Vanishing};

/// One rule broken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mutation {
    /// A heartbeat counts for any process's row of the id.
    HeartbeatForAnyIncarnation,
    /// A renewal counts for any term that the row leads in.
    RenewalForAnyTerm,
    /// A follower's heartbeat counts for a row with the status leader, too.
    FollowerHeartbeatForLeader,
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
    /// What a snapshot shows counts from before it was asked for.
    ExpiryFromSend,
    /// A lease is taken to be as long as the observer's own.
    OwnLeaseLength,
    /// The vanishing of a leader's row is no new version.
    VanishingIgnored,
    /// No preferred candidate is ever skipped.
    NeverSkipped,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Mutation; 13] = [
        Mutation::HeartbeatForAnyIncarnation,
        Mutation::RenewalForAnyTerm,
        Mutation::FollowerHeartbeatForLeader,
        Mutation::LateHeartbeatCounts,
        Mutation::ClaimUnchecked,
        Mutation::TermFromNode,
        Mutation::DriftBeyondSetting,
        Mutation::StoredFlag,
        Mutation::LeaseFromReply,
        Mutation::ExpiryFromSend,
        Mutation::OwnLeaseLength,
        Mutation::VanishingIgnored,
        Mutation::NeverSkipped,
    ];

    /// The rules that a machine with these durations follows.
    pub fn rules(mutation: Option<Mutation>, timing: &Timing) -> Rules {
        let safe = Rules::SAFE;
        match mutation {
            Some(Mutation::LeaseFromReply) => Rules { lease_from: LeaseFrom::Reply, ..safe },
            Some(Mutation::ExpiryFromSend) => Rules { expiry_from: ExpiryFrom::Sent, ..safe },
            Some(Mutation::OwnLeaseLength) => {
                Rules { lease_length: LeaseLength::Assumed(timing.lease_duration()), ..safe }
            }
            Some(Mutation::VanishingIgnored) => Rules { vanishing: Vanishing::Ignored, ..safe },
            Some(Mutation::NeverSkipped) => Rules { skipping: Skipping::Never, ..safe },
            _ => safe,
        }
    }
}
