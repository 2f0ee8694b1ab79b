//! How processes start and end.

use std::time::Duration;

use protocol::{Event, HeartbeatSeq, Incarnation, LocalNode, Time, Timing};

use super::process::{Inbound, Life, Process};
use super::{ELECTION, HEARTBEAT, World};
use crate::clock::{Clock, Moment};
use crate::database::NodeIdentity;
use crate::faults::Fault;
use crate::mutation::Mutation;
use crate::node::Node;
use crate::trace::name;

impl World {
    /// Starts a process with this id, or with a new one.
    pub fn start(&mut self, id: Option<String>) -> Result<(), String> {
        let id = id.unwrap_or_else(|| {
            self.next_name += 1;
            format!("n{}", self.next_name)
        });
        let timing = self.settings();
        let incarnation = Incarnation(u128::from(self.rng.number()) << 64 | u128::from(self.rng.number()));
        let clock = self.new_clock();
        let index = self.processes.len();
        let node = LocalNode { id: id.clone(), incarnation };
        let known = self.processes.iter().rev().find(|process| process.identity.id == id);
        let priority = match known {
            Some(known) if !self.rng.chance(0.1) => known.identity.priority,
            _ => i32::try_from(self.rng.below(3)).unwrap_or(0),
        };
        let claim_blocked = self.scenario.fleet.claim_blocked
            && (known.is_some_and(|known| known.claim_blocked) || index == 0);
        let slow =
            self.rng.chance(self.scenario.fleet.slow) && (self.disturbed || self.scenario.elections == 0);
        if slow {
            self.tally.inject(Fault::Slow);
        }
        if claim_blocked {
            self.tally.inject(Fault::ClaimBlocked);
        }
        let priority = if claim_blocked { 9 } else { priority };
        let identity =
            NodeIdentity { id, incarnation, priority, eligible: true, lease: timing.lease_duration() };
        let node = Node::new(self.subject, clock.shows(self.now), node, priority, timing);
        self.say(|| format!("{} starts with {timing:?}, {clock:?}, slow {slow}", name(&identity)));
        self.processes.push(Process {
            identity,
            clock,
            timing,
            node,
            life: Life::Running,
            slow,
            claim_blocked,
            stopping: false,
            partitioned_until: Moment::ZERO,
            tick: 0,
            rests_on: HeartbeatSeq::ZERO,
            awaited: (0, Time::default()),
            flag: false,
        });
        self.alive.push(index);
        self.receive(index, Inbound::plain(Event::Tick))
    }

    /// A process is gone from one moment to the next.
    pub fn crash(&mut self, index: usize) -> Result<(), String> {
        self.say(|| format!("{} crashes", name(&self.processes[index].identity)));
        self.remove(index)
    }

    /// A request of a process panics in the middle, and what it publishes is looked at before the process is gone. Says
    /// whether one was under way.
    pub(super) fn panic(&mut self, index: usize) -> Result<bool, String> {
        let process = &mut self.processes[index];
        let panicked = process.node.panic().map_err(|what| format!("{} {what}", name(&process.identity)))?;
        if panicked {
            self.remove(index)?;
        }
        Ok(panicked)
    }

    /// Asks a process to stop.
    pub fn stop(&mut self, index: usize) -> Result<(), String> {
        self.say(|| format!("{} is asked to stop", name(&self.processes[index].identity)));
        self.processes[index].stopping = true;
        self.receive(index, Inbound::plain(Event::Stop))
    }

    pub(super) fn remove(&mut self, index: usize) -> Result<(), String> {
        self.alive.retain(|alive| *alive != index);
        let process = &mut self.processes[index];
        process.life = Life::Gone;
        process.node.crash().map_err(|what| format!("{} {what}", name(&process.identity)))
    }

    fn settings(&mut self) -> Timing {
        let (heartbeat, election) = if self.scenario.fleet.mixed {
            let heartbeat = HEARTBEAT.mul_f64([0.3, 0.5, 1.0, 1.0, 2.0][self.rng.below(5)]);
            (heartbeat, heartbeat.mul_f64([3.0, 3.0, 4.0, 8.0][self.rng.below(4)]))
        } else {
            (HEARTBEAT, ELECTION)
        };
        #[expect(clippy::expect_used, reason = "each of these settings is within its bounds")]
        let timing =
            Timing::new(heartbeat, election, 2 * election, 0.1).expect("settings within their bounds");
        timing
    }

    /// The ratio of any two rates is at most 1.1, and often exactly that.
    fn new_clock(&mut self) -> Clock {
        let (slow, fast) = match self.subject.mutation() {
            Some(Mutation::DriftBeyondSetting) => (850_000, 1_150_000),
            _ => (955_000, 1_050_000),
        };
        let rate = if !self.scenario.fleet.drift {
            1_000_000
        } else {
            let span = fast - slow;
            [slow, fast, slow + self.rng.number() % span][self.rng.below(3)]
        };
        Clock::new(self.rng.between(Duration::ZERO, 1000 * ELECTION), rate)
    }
}
