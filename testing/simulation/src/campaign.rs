//! What a run is made of: how many nodes, how bad the network, which faults, for how long.

use std::ops::RangeInclusive;

use crate::faults::Fault;

/// A kind of run. The seed decides the rest.
#[derive(Clone, PartialEq, Debug)]
pub struct Campaign {
    /// What `--campaign` calls it.
    pub name: &'static str,
    /// How many processes live at a time.
    pub nodes: RangeInclusive<usize>,
    /// How long faults go on, in election timeouts.
    pub chaos: u32,
    /// The mean time between two faults, in election timeouts.
    pub pace: f64,
    /// Which faults, with their weights.
    pub faults: &'static [(Fault, u32)],
    /// The share of faults that hit the leader.
    pub aimed: f64,
    /// The share of requests lost, and of replies.
    pub loss: f64,
    /// The share of messages that take up to their step's whole limit.
    pub sluggish: f64,
    /// The share of requests that arrive long after their limit.
    pub late: f64,
    /// The share of followers' heartbeats that arrive some election timeouts late, whatever else is well.
    pub late_heartbeats: f64,
    /// The share of notifications that arrive.
    pub notified: f64,
    /// The share of nodes that are as slow as their limits.
    pub slow: f64,
    /// Whether the best-ranked node's claims never arrive.
    pub mute: bool,
    /// Whether nodes have different settings.
    pub mixed: bool,
    /// Whether clocks run at different rates.
    pub drift: bool,
    /// How many elections without faults follow, each measured to the letter.
    pub measured: usize,
    /// How long nothing happens before and after each of them, in election timeouts.
    pub hold: f64,
    /// How many rows of old terms a cleanup keeps.
    pub terms_kept: usize,
}

const PLAIN: Campaign = Campaign {
    name: "calm",
    nodes: 2..=6,
    chaos: 0,
    pace: 1.0,
    faults: &[],
    aimed: 0.0,
    loss: 0.0,
    sluggish: 0.0,
    late: 0.0,
    late_heartbeats: 0.0,
    notified: 1.0,
    slow: 0.0,
    mute: false,
    mixed: false,
    drift: false,
    measured: 6,
    hold: 4.0,
    terms_kept: 20,
};

/// All campaigns.
pub const CAMPAIGNS: &[Campaign] = &[
    PLAIN,
    // No notifications, clocks that differ: what polling alone promises.
    Campaign { name: "polling", notified: 0.0, drift: true, ..PLAIN },
    Campaign {
        name: "crashes",
        chaos: 40,
        faults: &[
            (Fault::Crash, 6),
            (Fault::Stop, 2),
            (Fault::NewId, 1),
            (Fault::Twin, 1),
            (Fault::ClockJump, 2),
        ],
        aimed: 0.6,
        loss: 0.01,
        drift: true,
        measured: 1,
        ..PLAIN
    },
    Campaign {
        name: "chaos",
        chaos: 60,
        pace: 0.4,
        faults: CHAOS,
        aimed: 0.4,
        loss: 0.05,
        sluggish: 0.1,
        late: 0.03,
        notified: 0.7,
        slow: 0.15,
        drift: true,
        measured: 1,
        terms_kept: 3,
        ..PLAIN
    },
    Campaign {
        name: "mixed",
        chaos: 60,
        pace: 0.8,
        faults: CHAOS,
        aimed: 0.7,
        loss: 0.02,
        sluggish: 0.1,
        late: 0.01,
        notified: 0.5,
        mixed: true,
        drift: true,
        measured: 1,
        ..PLAIN
    },
    // The moments around the end of a lease: leaders cut off just after a renewal, reads that straddle it.
    Campaign {
        name: "edge",
        nodes: 2..=3,
        chaos: 60,
        pace: 1.5,
        faults: &[
            (Fault::Partition, 4),
            (Fault::Freeze, 4),
            (Fault::FreezeAfterClock, 2),
            (Fault::RowDeleted, 4),
            (Fault::Crash, 1),
        ],
        aimed: 0.9,
        sluggish: 0.4,
        drift: true,
        measured: 1,
        ..PLAIN
    },
    // Heartbeats of a leader's time as a follower, that arrive when it is gone, must keep nobody waiting.
    Campaign { name: "stale", late_heartbeats: 0.4, drift: true, measured: 12, hold: 0.4, ..PLAIN },
    // A node that seems well and cannot claim.
    Campaign {
        name: "mute",
        nodes: 3..=5,
        chaos: 20,
        faults: &[(Fault::Crash, 4), (Fault::Stop, 2), (Fault::ClockJump, 2)],
        aimed: 0.8,
        mute: true,
        drift: true,
        measured: 2,
        ..PLAIN
    },
    Campaign {
        name: "slow",
        chaos: 40,
        faults: &[(Fault::Crash, 4), (Fault::Stop, 1), (Fault::Freeze, 2)],
        aimed: 0.6,
        slow: 0.6,
        sluggish: 0.2,
        drift: true,
        measured: 0,
        ..PLAIN
    },
    // Processes of one id, and a database that forgets which of them was the newest.
    Campaign {
        name: "twins",
        nodes: 1..=2,
        chaos: 60,
        pace: 0.3,
        faults: &[(Fault::Restore, 5), (Fault::Twin, 5), (Fault::Crash, 1), (Fault::Freeze, 1)],
        aimed: 0.7,
        loss: 0.25,
        sluggish: 0.1,
        drift: true,
        measured: 1,
        ..PLAIN
    },
    // Heartbeats that arrive late and are then forgotten: no version may be written twice.
    Campaign {
        name: "late",
        nodes: 2..=3,
        chaos: 60,
        pace: 0.3,
        faults: &[(Fault::Restore, 6), (Fault::Partition, 1)],
        aimed: 0.9,
        late: 0.2,
        notified: 0.5,
        drift: true,
        measured: 1,
        ..PLAIN
    },
    Campaign {
        name: "restore",
        chaos: 60,
        pace: 0.6,
        faults: &[
            (Fault::Restore, 6),
            (Fault::TermDeleted, 2),
            (Fault::RowDeleted, 1),
            (Fault::Twin, 2),
            (Fault::Crash, 2),
            (Fault::Freeze, 2),
            (Fault::Partition, 3),
            (Fault::Stop, 1),
            (Fault::ClockJump, 1),
        ],
        aimed: 0.5,
        loss: 0.05,
        sluggish: 0.1,
        late: 0.02,
        notified: 0.5,
        drift: true,
        measured: 1,
        ..PLAIN
    },
];

const CHAOS: &[(Fault, u32)] = &[
    (Fault::Crash, 6),
    (Fault::NewId, 1),
    (Fault::Twin, 2),
    (Fault::Freeze, 6),
    (Fault::FreezeAfterClock, 3),
    (Fault::Partition, 6),
    (Fault::Outage, 2),
    (Fault::ClockJump, 3),
    (Fault::RowDeleted, 3),
    (Fault::Stop, 2),
    (Fault::Priority, 2),
    (Fault::Health, 2),
];

impl Campaign {
    /// The campaign of that name.
    pub fn named(name: &str) -> Option<&'static Campaign> {
        CAMPAIGNS.iter().find(|campaign| campaign.name == name)
    }

    /// Whether the database may forget what it committed.
    pub fn forgets(&self) -> bool {
        self.faults.iter().any(|(fault, _)| matches!(fault, Fault::Restore | Fault::TermDeleted))
    }
}
