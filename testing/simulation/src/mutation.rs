//! Rules that can be broken on purpose, to see that the checks notice.

use protocol::{ExpiryFrom, LeaseFrom, LeaseLength, Rules, Skipping, Timing, Vanishing};

/// A broken rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mutation {
    /// A heartbeat counts for the row of any process with the id.
    HeartbeatForAnyIncarnation,
    /// A renewal counts for any term in which the row leads.
    RenewalForAnyTerm,
    /// A follower's heartbeat also counts for a row with the status leader.
    FollowerHeartbeatForLeader,
    /// A heartbeat that arrives after a later one also counts.
    LateHeartbeatCounts,
    /// A claim does not check again.
    ClaimUnchecked,
    /// A new term is one higher than the claiming node's own last one.
    TermFromNode,
    /// Clock rates differ by more than the setting allows.
    DriftBeyondSetting,
    /// Whether a process leads is a stored flag that events set, not computed when it is read.
    StoredFlag,
    /// A leader's lease counts from when the renewal's reply arrived.
    LeaseFromReply,
    /// A snapshot counts from before it was requested.
    ExpiryFromSend,
    /// An observer takes a lease to be as long as its own.
    OwnLeaseLength,
    /// A leader's row that vanishes is no new version.
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
