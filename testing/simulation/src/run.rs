//! One run: faults for a while, then quiet, then elections whose winner and delay are checked to the letter.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use crate::campaign::Campaign;
use crate::clock::Moment;
use crate::database::{BEST, Node};
use crate::faults::Tally;
use crate::mutation::Mutation;
use crate::observer::Violation;
use crate::world::{ELECTION, HEARTBEAT, Process, World};

/// A run in which a promise was broken.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// Which campaign.
    pub campaign: &'static str,
    /// Which seed.
    pub seed: u64,
    /// What was broken.
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { campaign, seed, violation } = self;
        writeln!(f, "campaign {campaign}, seed {seed}: {violation}")?;
        write!(f, "replay with: cargo run -p simulation -- replay --campaign {campaign} --seed {seed}")
    }
}

/// One run, as the seed has it.
///
/// # Errors
/// The first promise that was broken.
pub fn run(
    campaign: &Campaign,
    seed: u64,
    mutation: Option<Mutation>,
    trace: bool,
) -> Result<Tally, Box<Failure>> {
    Mutation::during(mutation, || {
        let mut run = Run { world: World::new(campaign, seed, mutation, trace) };
        run.whole().map_err(|violation| Box::new(Failure { campaign: campaign.name, seed, violation }))?;
        Ok(run.world.tally)
    })
}

struct Run {
    world: World,
}

/// What ends a leadership in a measured election.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    /// The leader crashes.
    Crash,
    /// The leader stops gracefully.
    Stop,
    /// The leader and the next in line crash, and the database's clock jumps.
    CrashOfTwo,
}

impl Run {
    fn whole(&mut self) -> Result<(), Violation> {
        let faults = ELECTION * self.world.campaign.chaos;
        self.world.run_until(faults)?;
        self.recover()?;
        for _ in 0..self.world.campaign.measured {
            self.measured()?;
        }
        Ok(())
    }

    /// Once faults have stopped there is a leader within the bound, and it stays.
    fn recover(&mut self) -> Result<(), Violation> {
        let calm = self.world.calm();
        self.require(calm)?;
        let since = self.world.now;
        let bound = self.recovery_bound();
        while self.world.leaders().is_empty() {
            if self.world.now - since > bound {
                return self.violated(format!("no leader {bound:?} after the faults stopped"));
            }
            self.world.run_until(self.world.now + HEARTBEAT / 20)?;
        }
        let took = (self.world.now - since).as_secs_f64() / bound.as_secs_f64();
        self.world.tally.slowest = self.world.tally.slowest.max(took);
        self.world.run_until(since + bound)?;
        if self.world.campaign.slow > 0.0 { Ok(()) } else { self.stays() }
    }

    /// T for the lease of a leader that is gone, and H more for each thing that may have to pass before a node stands.
    fn recovery_bound(&self) -> Duration {
        let longest = |span: fn(&Process) -> Duration| {
            let spans = self.world.processes.iter().map(|process| process.clock.takes(span(process)));
            spans.max().unwrap_or_default()
        };
        longest(|process| process.timing.election_timeout())
            + 12 * longest(|process| process.timing.heartbeat_interval())
    }

    /// The leader leads on, and nobody claims.
    fn stays(&mut self) -> Result<(), Violation> {
        let (leaders, claims) = (self.world.leaders(), self.world.claims.len());
        if leaders.len() != 1 {
            return self.violated(format!("{} leaders where there should be one", leaders.len()));
        }
        let leader = self.world.processes[leaders[0]].member.id.clone();
        for index in self.world.alive() {
            let process = &self.world.processes[*index];
            let registered = process.machine.outlook(process.clock.shows(self.world.now)).registered;
            if !registered && process.member.id != leader {
                return self.violated(format!("{} does not take part", process.member.id));
            }
        }
        for _ in 0..16 {
            self.world.run_until(self.world.now + self.renew_deadline() / 16)?;
            if self.world.leaders() != leaders || self.world.claims.len() != claims {
                return self.violated("the leadership changed although nothing went wrong".to_owned());
            }
        }
        Ok(())
    }

    /// One election without any fault but the one that causes it: the right node wins it in time.
    fn measured(&mut self) -> Result<(), Violation> {
        let started = self.world.muster();
        self.require(started)?;
        self.world.run_until(self.world.now + self.renew_deadline())?;
        self.stays()?;
        // A twin that waits for the leader's row would change who is best in the middle of it.
        for index in self.world.alive().to_vec() {
            let process = &self.world.processes[index];
            if !process.machine.outlook(process.clock.shows(self.world.now)).registered {
                self.world.crash(index);
            }
        }
        let ending = self.world.dice().below(3);
        let ending = [Ending::Crash, Ending::Stop, Ending::CrashOfTwo][ending];
        let Some(&leader) = self.world.leaders().first() else { return Ok(()) };
        let mut line: Vec<usize> =
            self.world.alive().iter().copied().filter(|index| *index != leader).collect();
        line.sort_by_key(|index| {
            let id = &self.world.processes[*index].member.id;
            (Reverse(self.world.database.nodes.get(id).map(|row| row.priority)), id.clone())
        });
        line.retain(|index| !self.world.processes[*index].mute);
        let victims = if ending == Ending::CrashOfTwo { 1 } else { 0 };
        let Some(&winner) = line.get(victims) else { return Ok(()) };
        self.world.note(&format!("measured: {ending:?}"));
        let stopped = self.world.now;
        match ending {
            Ending::Crash => self.world.crash(leader),
            Ending::CrashOfTwo => {
                self.world.crash(leader);
                self.world.crash(line[0]);
                self.world.jump_clock();
            }
            Ending::Stop => {
                let stop = self.world.stop(leader);
                self.require(stop)?;
            }
        }
        let claims = self.world.claims.len();
        let bound = self.bound(ending, leader, winner);
        let (mut from, before) = (stopped, self.world.tally.measured);
        while self.world.claims.len() == claims {
            if ending != Ending::Stop {
                from = self.world.renewed;
            }
            if self.world.now > from + bound {
                return self
                    .violated(format!("no leader {bound:?} after the last one's ending ({ending:?})"));
            }
            self.world.run_until(self.world.now + HEARTBEAT / 50)?;
        }
        let (at, _, id) = self.world.claims[claims].clone();
        let expected = &self.world.processes[winner].member.id;
        let lease = match ending {
            Ending::Stop => Duration::ZERO,
            Ending::Crash | Ending::CrashOfTwo => self.world.processes[leader].timing.lease_duration(),
        };
        let excused = self.hasty(winner, leader, ending)
            || self.hidden(winner)
            || self.overdue(winner, at - from, lease);
        if id != *expected && !excused {
            return self.violated(format!("{id} won the election, and {expected} is better ({ending:?})"));
        }
        if at > from + bound {
            return self.violated(format!("a leader after {:?}, bound {bound:?} ({ending:?})", at - from));
        }
        self.world.tally.measured = before + 1;
        self.world.run_until(self.world.now + HEARTBEAT / 5)?;
        self.stays()
    }

    /// How long after the last renewal (or after the stop) the next leader's claim is committed: DESIGN.md, "Promises".
    fn bound(&self, ending: Ending, leader: usize, winner: usize) -> Duration {
        let (leader, winner) = (&self.world.processes[leader], &self.world.processes[winner]);
        // For one that died with the leader, watched for long; and for one of whom less is known.
        let (short, long) = (winner.heartbeat(), winner.heartbeat().mul_f64(1.5));
        // Messages and timers are not instantaneous here either.
        let slack = winner.heartbeat() / 10 + HEARTBEAT / 20;
        let waiting = winner.clock.takes(leader.timing.lease_duration() + winner.timing.heartbeat_interval());
        // Somebody whose claims never arrive is waited for.
        let mute = self.world.alive().iter().filter(|index| self.world.processes[**index].mute).count();
        let mute = 3 * winner.heartbeat() * u32::try_from(mute).unwrap_or(1);
        // Somebody who died not long ago may still seem to live.
        let lately = if self.world.campaign.hold < 1.5 { long } else { Duration::ZERO };
        mute + lately
            + slack
            + match ending {
                Ending::Crash => waiting,
                Ending::CrashOfTwo => waiting + short,
                Ending::Stop if self.world.campaign.notified >= 1.0 => Duration::ZERO,
                Ending::Stop => winner.heartbeat(),
            }
    }

    fn renew_deadline(&self) -> Duration {
        ELECTION.mul_f64(self.world.campaign.hold)
    }

    /// Whether the best node may rightly be passed over: nodes have different H, or one shorter than what clocks may
    /// differ by in the course of the lease. Where two die, the best of those left may be a quarter of H late at most:
    /// the others' patience begins when they have passed the dead one over, its own pass-over comes that much later.
    fn hasty(&self, winner: usize, leader: usize, ending: Ending) -> bool {
        let drift = self.world.processes[leader].timing.lease_duration() / 10;
        let allowed = if ending == Ending::CrashOfTwo { 4 } else { 1 };
        let heartbeat = |index: usize| self.world.processes[index].timing.heartbeat_interval();
        self.world
            .alive()
            .iter()
            .any(|index| heartbeat(*index) != heartbeat(winner) || heartbeat(*index) < allowed * drift)
    }

    /// Whether the best node may rightly be passed over because it waits for one that cannot claim: it waits for two
    /// intervals of its own, and the others as long for it.
    fn overdue(&self, winner: usize, took: Duration, lease: Duration) -> bool {
        let mute = self.world.alive().iter().any(|index| self.world.processes[*index].mute);
        // By the fastest clock there is.
        let turn = (lease + 2 * self.world.processes[winner].timing.heartbeat_interval()).mul_f64(0.95);
        mute && took >= turn
    }

    /// Whether so many dead nodes' rows are better than this one's that a look does not bring it.
    fn hidden(&self, winner: usize) -> bool {
        let id = &self.world.processes[winner].member.id;
        let Some(own) = self.world.database.nodes.get(id) else { return true };
        let better = |(other, row): (&String, &Node)| {
            row.eligible && (Reverse(row.priority), other) < (Reverse(own.priority), id)
        };
        self.world.database.nodes.iter().filter(|row| better(*row)).count() >= BEST
    }

    fn require(&self, done: Result<(), String>) -> Result<(), Violation> {
        done.map_err(|what| Violation { at: self.world.now, what })
    }

    fn violated(&self, what: String) -> Result<(), Violation> {
        Err(Violation { at: self.now(), what })
    }

    fn now(&self) -> Moment {
        self.world.now
    }
}
