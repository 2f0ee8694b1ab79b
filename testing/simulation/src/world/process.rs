//! One process: its node, its machine's clock, and whether it is run at the moment.

use std::time::Duration;

use protocol::{Event, HeartbeatSeq, Lease, Reply, Term, Time, Timing};

use crate::clock::{Clock, Moment};
use crate::database::NodeIdentity;
use crate::node::Node;

/// Whether a process is run.
#[derive(Clone, PartialEq, Debug)]
pub enum Life {
    /// It is.
    Running,
    /// Not until then; what came in meanwhile waits.
    Frozen {
        /// Since when.
        since: Moment,
        /// Until when.
        until: Moment,
        /// An event it was about to handle, with what it had read from the clock.
        interrupted: Option<(Time, Inbound)>,
        /// What came in meanwhile.
        inbox: Vec<Inbound>,
    },
    /// Never again.
    Gone,
}

/// Something for a process to handle.
#[derive(Clone, PartialEq, Debug)]
pub struct Inbound {
    /// What the node is told.
    pub event: Event,
    /// What only the observer knows about a reply.
    pub effect: Effect,
}

/// What a step did, for the observer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effect {
    /// Whether the sender's own leadership was the open one right after the step.
    pub open: Option<Term>,
    /// The own row's counter right after the step.
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
    /// Not reached by the database, nor reaching it, until then.
    pub cut_off_until: Moment,
    /// The newest of the wake-ups it asked for.
    pub tick: u64,
    /// The row's counter in the version its lease rests on.
    pub rests_on: HeartbeatSeq,
    /// The step it waits for, and until when.
    pub awaited: (u64, Time),
    /// What `is_leader` would be if it were stored.
    pub flag: bool,
}

impl Process {
    pub fn alive(&self) -> bool {
        self.life != Life::Gone
    }

    pub fn running(&self) -> bool {
        self.life == Life::Running
    }

    /// The lease that is in force at this moment: what `is_leader` answers.
    pub fn leads(&self, now: Moment) -> Option<Lease> {
        self.node.lease_at(self.clock.shows(now)).filter(|_| self.alive())
    }

    /// Whether a reply is to a step that it has not given up.
    pub fn awaits(&self, token: u64, shown: Time) -> bool {
        let lapsed = self.node.lease().is_some_and(|lease| lease.deadline <= shown);
        self.awaited.0 == token && shown < self.awaited.1 && !lapsed
    }

    pub fn heartbeat(&self) -> Duration {
        self.clock.takes(self.timing.heartbeat_interval())
    }
}
