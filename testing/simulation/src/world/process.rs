//! One process: its node, its machine's clock, and whether it is run at the moment.

use std::time::Duration;

use protocol::{Event, HeartbeatSeq, Lease, Reply, Term, Time, Timing};

use crate::clock::{Clock, Moment};
use crate::database::NodeIdentity;
use crate::node::Node;

/// Whether a process runs.
#[derive(Clone, PartialEq, Debug)]
pub enum Life {
    /// It runs.
    Running,
    /// It does not run. Events that arrive wait.
    Frozen {
        /// Since when.
        since: Moment,
        /// Until when.
        until: Moment,
        /// The event it was about to handle, with the time it had read from the clock.
        interrupted: Option<(Time, Inbound)>,
        /// The events that arrived in the meantime.
        inbox: Vec<Inbound>,
    },
    /// It has ended.
    Gone,
}

/// An event for a process.
#[derive(Clone, PartialEq, Debug)]
pub struct Inbound {
    /// What the node is told.
    pub event: Event,
    /// The effect of a step, which only the observer knows.
    pub effect: Effect,
}

/// The effect of a step, for the observer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effect {
    /// Whether the sender's own leadership was the open one right after the step.
    pub open: Option<Term>,
    /// The counter of the process's own row right after the step.
    pub seq: HeartbeatSeq,
}

impl Inbound {
    pub fn plain(event: Event) -> Self {
        Self { event, effect: Effect::default() }
    }

    pub fn reply(token: u64, reply: Option<Reply>, effect: Effect) -> Self {
        Self { event: Event::Reply { token, reply }, effect }
    }
}

/// One run of a node's process.
pub struct Process {
    pub identity: NodeIdentity,
    pub clock: Clock,
    pub timing: Timing,
    pub node: Node,
    pub life: Life,
    pub slow: bool,
    pub claim_blocked: bool,
    pub stopping: bool,
    /// Partitioned from the database until then.
    pub partitioned_until: Moment,
    /// The number of the newest tick it scheduled.
    pub tick: u64,
    /// The row's counter in the version that its lease relies on.
    pub rests_on: HeartbeatSeq,
    /// The token of the step it waits for, and until when.
    pub awaited: (u64, Time),
    /// A stored `is_leader`, for the mutation that uses one.
    pub flag: bool,
}

impl Process {
    pub fn alive(&self) -> bool {
        self.life != Life::Gone
    }

    pub fn running(&self) -> bool {
        self.life == Life::Running
    }

    /// The lease in force at this moment: the answer of `is_leader`.
    pub fn leads(&self, now: Moment) -> Option<Lease> {
        self.node.lease_at(self.clock.shows(now)).filter(|_| self.alive())
    }

    /// Whether a reply is for a step that it has not given up.
    pub fn awaits(&self, token: u64, shown: Time) -> bool {
        let lapsed = self.node.lease().is_some_and(|lease| lease.deadline <= shown);
        self.awaited.0 == token && shown < self.awaited.1 && !lapsed
    }

    pub fn heartbeat(&self) -> Duration {
        self.clock.takes(self.timing.heartbeat_interval())
    }
}
