//! What is promised of an election in which nothing goes wrong but the ending of the last leadership.
//!
//! docs/SAFETY.md, "How long an election takes", has the bounds and the exceptions; each is a rule of its own here.

use std::cmp::Reverse;
use std::time::Duration;

use protocol::CANDIDATES_READ;

use crate::database::NodeRecord;
use crate::world::{HEARTBEAT, Process, World};

/// What ends the last leadership.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The leader crashes.
    Crash,
    /// The leader stops gracefully.
    Stop,
    /// The leader and the next in line crash, and the database's clock jumps.
    CrashOfTwo,
}

impl Ending {
    /// All of them.
    pub const ALL: [Ending; 3] = [Ending::Crash, Ending::Stop, Ending::CrashOfTwo];
}

/// Who should win an election, and how soon.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    ending: Ending,
    leader: usize,
    winner: usize,
    /// How long after the last renewal, or after the stop, the next leader's claim is committed at the latest.
    pub within: Duration,
}

/// Why another node than the best one may win.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Excuse {
    /// A node with a shorter H, or with a much faster clock, may skip the best one.
    DifferentPace,
    /// A snapshot does not show the best one: so many dead nodes' rows are better.
    Hidden,
    /// The others may skip the best one while it waits for a node that cannot claim.
    WaitsForBlockedNode,
}

impl Expectation {
    /// What is promised when the leadership of `leader` ends like this and `winner` is the best node left.
    pub fn new(world: &World, ending: Ending, leader: usize, winner: usize) -> Self {
        let within = after_ending(world, ending, leader, winner)
            + for_blocked_nodes(world, winner)
            + for_recent_deaths(world, winner)
            + for_transit(world, winner);
        Self { ending, leader, winner, within }
    }

    /// Compares it with who won, and how long after the last renewal or after the stop.
    ///
    /// # Errors
    /// What was promised and did not come true.
    pub fn check(&self, world: &World, won: &str, took: Duration) -> Result<(), String> {
        let Self { ending, within, .. } = self;
        let best = &world.processes[self.winner].identity.id;
        if won != best && self.excuse(world, took).is_none() {
            return Err(format!("{won} won the election, and {best} is better ({ending:?})"));
        }
        if took > *within {
            return Err(format!("a leader after {took:?}, bound {within:?} ({ending:?})"));
        }
        Ok(())
    }

    fn excuse(&self, world: &World, took: Duration) -> Option<Excuse> {
        [
            (Excuse::DifferentPace, self.has_different_pace(world)),
            (Excuse::Hidden, self.is_hidden(world)),
            (Excuse::WaitsForBlockedNode, self.waits_for_blocked_node(world, took)),
        ]
        .into_iter()
        .find_map(|(excuse, holds)| holds.then_some(excuse))
    }

    /// Nodes have different H, or one shorter than what clocks may differ by in the course of the lease. Where two die, a
    /// quarter of H is the limit: the others begin to wait for the best one left when they have skipped the dead one,
    /// and it skips the dead one itself that much later.
    fn has_different_pace(&self, world: &World) -> bool {
        let drift = world.processes[self.leader].timing.lease_duration() / 10;
        let allowed = if self.ending == Ending::CrashOfTwo { 4 } else { 1 };
        let heartbeat = |index: usize| world.processes[index].timing.heartbeat_interval();
        let differs = |index: &usize| {
            heartbeat(*index) != heartbeat(self.winner) || heartbeat(*index) < allowed * drift
        };
        world.alive().iter().any(differs)
    }

    fn is_hidden(&self, world: &World) -> bool {
        let id = &world.processes[self.winner].identity.id;
        let Some(own) = world.database.nodes.get(id) else { return true };
        let better = |(other, row): &(&String, &NodeRecord)| {
            row.eligible && (Reverse(row.priority), *other) < (Reverse(own.priority), id)
        };
        world.database.nodes.iter().filter(better).count() >= CANDIDATES_READ
    }

    /// It waits for two intervals of its own, and the others as long for it.
    fn waits_for_blocked_node(&self, world: &World, took: Duration) -> bool {
        let lease = match self.ending {
            Ending::Stop => Duration::ZERO,
            Ending::Crash | Ending::CrashOfTwo => world.processes[self.leader].timing.lease_duration(),
        };
        // By the fastest clock there is.
        let skipped = lease + 2 * world.processes[self.winner].timing.heartbeat_interval();
        blocked(world) > 0 && took >= skipped.mul_f64(0.95)
    }
}

/// The rows of the table "How long an election takes".
fn after_ending(world: &World, ending: Ending, leader: usize, winner: usize) -> Duration {
    let (leader, winner) = (&world.processes[leader], &world.processes[winner]);
    let waited_out = leader.timing.lease_duration() + winner.timing.heartbeat_interval();
    let waited_out = winner.clock.takes(waited_out);
    match ending {
        Ending::Crash => waited_out,
        Ending::CrashOfTwo => waited_out + winner.heartbeat(),
        Ending::Stop if world.scenario.network.notified >= 1.0 => Duration::ZERO,
        Ending::Stop => winner.heartbeat(),
    }
}

/// Nodes whose claims never arrive are waited for.
fn for_blocked_nodes(world: &World, winner: usize) -> Duration {
    3 * world.processes[winner].heartbeat() * blocked(world)
}

/// A node that died not long ago may still seem to live.
fn for_recent_deaths(world: &World, winner: usize) -> Duration {
    let recently = world.scenario.pause < 1.5;
    if recently { world.processes[winner].heartbeat().mul_f64(1.5) } else { Duration::ZERO }
}

/// Messages and timers take time here, too.
fn for_transit(world: &World, winner: usize) -> Duration {
    world.processes[winner].heartbeat() / 10 + HEARTBEAT / 20
}

fn blocked(world: &World) -> u32 {
    let blocked = |process: &&Process| process.claim_blocked;
    let count = world.alive().iter().map(|index| &world.processes[*index]).filter(blocked).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
