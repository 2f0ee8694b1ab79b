//! The promises for an election in which nothing goes wrong except the end of the last leadership.
//!
//! docs/SAFETY.md, "How long an election takes", has the bounds and the exceptions. Each exception is a function
//! here.

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
    /// The leader and the next best node crash, and the database's clock jumps.
    CrashOfTwo,
}

impl Ending {
    /// All of them.
    pub const ALL: [Ending; 3] = [Ending::Crash, Ending::Stop, Ending::CrashOfTwo];
}

/// Which node should win an election, and how soon.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    ending: Ending,
    leader: usize,
    winner: usize,
    /// The latest commit of the next leader's claim, counted from the last renewal or from the stop.
    pub within: Duration,
}

/// Why a node other than the best may win.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Excuse {
    /// A node with a shorter H, or with a much faster clock, may skip the best one.
    DifferentPace,
    /// The snapshot does not show the best node, because too many dead nodes' rows rank higher.
    Hidden,
    /// The others may skip the best one while it waits for a node that cannot claim.
    WaitsForBlockedNode,
}

impl Expectation {
    /// The promise when the leadership of `leader` ends like this and `winner` is the best node left.
    pub fn new(world: &World, ending: Ending, leader: usize, winner: usize) -> Self {
        let within = after_ending(world, ending, leader, winner)
            + for_blocked_nodes(world, winner)
            + for_recent_deaths(world, winner)
            + for_transit(world, winner);
        Self { ending, leader, winner, within }
    }

    /// Checks the promise against the winner and the time it took after the last renewal or after the stop.
    ///
    /// # Errors
    /// The promise that was not kept.
    pub fn check(&self, world: &World, won: &str, took: Duration) -> Result<(), String> {
        let Self { ending, within, .. } = self;
        let best = &world.processes[self.winner].identity.id;
        if won != best && self.excuse(world, took).is_none() {
            return Err(format!("{won} won the election, but {best} is better ({ending:?})"));
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

    /// Nodes have different H, or an H that is shorter than the drift of their clocks during the lease. If two nodes
    /// crash, a quarter of H is the limit: the other nodes begin to wait for the best one left when they have skipped
    /// the dead one, and it skips the dead one itself that much later.
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

    /// The best node waits for two of its own intervals, and the others wait as long for it.
    fn waits_for_blocked_node(&self, world: &World, took: Duration) -> bool {
        let lease = match self.ending {
            Ending::Stop => Duration::ZERO,
            Ending::Crash | Ending::CrashOfTwo => world.processes[self.leader].timing.lease_duration(),
        };
        // By the fastest clock.
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

/// A node that died recently may still count as live.
fn for_recent_deaths(world: &World, winner: usize) -> Duration {
    let recently = world.scenario.pause < 1.5;
    if recently { world.processes[winner].heartbeat().mul_f64(1.5) } else { Duration::ZERO }
}

/// Messages and timers take time in the simulation, too.
fn for_transit(world: &World, winner: usize) -> Duration {
    world.processes[winner].heartbeat() / 10 + HEARTBEAT / 20
}

fn blocked(world: &World) -> u32 {
    let blocked = |process: &&Process| process.claim_blocked;
    let count = world.alive().iter().map(|index| &world.processes[*index]).filter(blocked).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}
