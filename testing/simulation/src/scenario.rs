//! The parameters of a run: how many nodes, how bad the network, which faults, for how long.

use std::ops::RangeInclusive;

use crate::faults::Fault;

/// A kind of run. The seed decides everything else.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Its name for `--scenario`.
    pub name: &'static str,
    /// The nodes.
    pub fleet: Fleet,
    /// What happens to messages.
    pub network: Network,
    /// The faults.
    pub faults: Faults,
    /// How many elections without faults follow, each checked against the promises.
    pub elections: usize,
    /// How long nothing happens before and after each of them, in election timeouts.
    pub pause: f64,
    /// How many rows of old terms a cleanup keeps.
    pub terms_kept: usize,
}

/// The nodes of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Fleet {
    /// How many processes live at once.
    pub nodes: RangeInclusive<usize>,
    /// The share of nodes whose steps take as long as their limits.
    pub slow: f64,
    /// Whether the claims of the best-ranked node never arrive.
    pub claim_blocked: bool,
    /// Whether nodes have different settings.
    pub mixed: bool,
    /// Whether clocks run at different rates.
    pub drift: bool,
}

/// What happens to messages. All but the last two stop when the faults stop.
#[derive(Clone, PartialEq, Debug)]
pub struct Network {
    /// The share of requests that are lost, and of replies.
    pub loss: f64,
    /// The share of messages that take up to the whole limit of their step.
    pub slow_messages: f64,
    /// The share of requests that arrive long after their limit.
    pub late: f64,
    /// The share of followers' heartbeats that arrive several election timeouts late.
    pub late_heartbeats: f64,
    /// The share of notifications that arrive.
    pub notified: f64,
}

/// The faults, and for how long.
#[derive(Clone, PartialEq, Debug)]
pub struct Faults {
    /// How long faults go on, in election timeouts.
    pub duration: u32,
    /// The mean time between two faults, in election timeouts.
    pub pace: f64,
    /// Which faults, with their weights.
    pub kinds: &'static [(Fault, u32)],
    /// The share of faults that hit the leader.
    pub leader_bias: f64,
}

const FLEET: Fleet = Fleet { nodes: 2..=6, slow: 0.0, claim_blocked: false, mixed: false, drift: false };
const DRIFTING: Fleet = Fleet { drift: true, ..FLEET };
const NETWORK: Network =
    Network { loss: 0.0, slow_messages: 0.0, late: 0.0, late_heartbeats: 0.0, notified: 1.0 };
const NO_FAULTS: Faults = Faults { duration: 0, pace: 1.0, kinds: &[], leader_bias: 0.0 };
const CALM: Scenario = Scenario {
    name: "calm",
    fleet: FLEET,
    network: NETWORK,
    faults: NO_FAULTS,
    elections: 6,
    pause: 4.0,
    terms_kept: 20,
};
/// Faults, and one election after they have stopped.
const FAULTY: Scenario = Scenario { fleet: DRIFTING, elections: 1, ..CALM };

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    CALM,
    // No notifications, and clocks that differ: what polling alone promises.
    Scenario { name: "polling", fleet: DRIFTING, network: Network { notified: 0.0, ..NETWORK }, ..CALM },
    Scenario {
        name: "crashes",
        network: Network { loss: 0.01, ..NETWORK },
        faults: Faults {
            duration: 40,
            leader_bias: 0.6,
            kinds: &[
                (Fault::Crash, 6),
                (Fault::Stop, 2),
                (Fault::NewId, 1),
                (Fault::DuplicateId, 1),
                (Fault::ClockJump, 2),
            ],
            ..NO_FAULTS
        },
        ..FAULTY
    },
    Scenario {
        name: "chaos",
        fleet: Fleet { slow: 0.15, ..DRIFTING },
        network: Network { loss: 0.05, slow_messages: 0.1, late: 0.03, notified: 0.7, ..NETWORK },
        faults: Faults { duration: 60, pace: 0.4, kinds: CHAOS, leader_bias: 0.4 },
        terms_kept: 3,
        ..FAULTY
    },
    Scenario {
        name: "mixed",
        fleet: Fleet { mixed: true, ..DRIFTING },
        network: Network { loss: 0.02, slow_messages: 0.1, late: 0.01, notified: 0.5, ..NETWORK },
        faults: Faults { duration: 60, pace: 0.8, kinds: CHAOS, leader_bias: 0.7 },
        ..FAULTY
    },
    // The moments around the end of a lease: leaders partitioned just after a renewal, reads that straddle it.
    Scenario {
        name: "edge",
        fleet: Fleet { nodes: 2..=3, ..DRIFTING },
        network: Network { slow_messages: 0.4, ..NETWORK },
        faults: Faults {
            duration: 60,
            pace: 1.5,
            leader_bias: 0.9,
            kinds: &[
                (Fault::Partition, 4),
                (Fault::Freeze, 4),
                (Fault::FreezeAfterClock, 2),
                (Fault::RowDeleted, 4),
                (Fault::Crash, 1),
            ],
        },
        ..FAULTY
    },
    // Heartbeats that a leader sent as a follower, and that arrive when it has gone, must not delay the other nodes.
    Scenario {
        name: "stale",
        fleet: DRIFTING,
        network: Network { late_heartbeats: 0.4, ..NETWORK },
        elections: 12,
        pause: 0.4,
        ..CALM
    },
    // A node that seems healthy and cannot claim.
    Scenario {
        name: "blocked",
        fleet: Fleet { nodes: 3..=5, claim_blocked: true, ..DRIFTING },
        faults: Faults {
            duration: 20,
            leader_bias: 0.8,
            kinds: &[(Fault::Crash, 4), (Fault::Stop, 2), (Fault::ClockJump, 2)],
            ..NO_FAULTS
        },
        elections: 2,
        ..CALM
    },
    Scenario {
        name: "slow",
        fleet: Fleet { slow: 0.6, ..DRIFTING },
        network: Network { slow_messages: 0.2, ..NETWORK },
        faults: Faults {
            duration: 40,
            leader_bias: 0.6,
            kinds: &[(Fault::Crash, 4), (Fault::Stop, 1), (Fault::Freeze, 2)],
            ..NO_FAULTS
        },
        elections: 0,
        ..CALM
    },
    // Several processes with one id, and a database that forgets which of them was the newest.
    Scenario {
        name: "duplicates",
        fleet: Fleet { nodes: 1..=2, ..DRIFTING },
        network: Network { loss: 0.25, slow_messages: 0.1, ..NETWORK },
        faults: Faults {
            duration: 60,
            pace: 0.3,
            leader_bias: 0.7,
            kinds: &[(Fault::Restore, 5), (Fault::DuplicateId, 5), (Fault::Crash, 1), (Fault::Freeze, 1)],
        },
        ..FAULTY
    },
    // Heartbeats that arrive late and are then forgotten: no version may be written twice.
    Scenario {
        name: "late",
        fleet: Fleet { nodes: 2..=3, ..DRIFTING },
        network: Network { late: 0.2, notified: 0.5, ..NETWORK },
        faults: Faults {
            duration: 60,
            pace: 0.3,
            leader_bias: 0.9,
            kinds: &[(Fault::Restore, 6), (Fault::Partition, 1)],
        },
        ..FAULTY
    },
    Scenario {
        name: "restore",
        network: Network { loss: 0.05, slow_messages: 0.1, late: 0.02, notified: 0.5, ..NETWORK },
        faults: Faults {
            duration: 60,
            pace: 0.6,
            leader_bias: 0.5,
            kinds: &[
                (Fault::Restore, 6),
                (Fault::TermDeleted, 2),
                (Fault::RowDeleted, 1),
                (Fault::DuplicateId, 2),
                (Fault::Crash, 2),
                (Fault::Freeze, 2),
                (Fault::Partition, 3),
                (Fault::Stop, 1),
                (Fault::ClockJump, 1),
            ],
        },
        ..FAULTY
    },
];

const CHAOS: &[(Fault, u32)] = &[
    (Fault::Crash, 6),
    (Fault::NewId, 1),
    (Fault::DuplicateId, 2),
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

impl Scenario {
    /// The scenario of that name.
    pub fn named(name: &str) -> Option<&'static Scenario> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Whether the database may forget its commits.
    pub fn forgets(&self) -> bool {
        self.faults.kinds.iter().any(|(fault, _)| matches!(fault, Fault::Restore | Fault::TermDeleted))
    }

    /// Whether faults are injected at all.
    pub fn is_faulty(&self) -> bool {
        self.faults.duration > 0
    }
}
