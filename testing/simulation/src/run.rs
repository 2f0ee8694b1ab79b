//! One run: faults for a while, then quiet, then elections checked against the promises.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use crate::clock::Moment;
use crate::expectation::{Ending, Expectation};
use crate::faults::Tally;
use crate::observer::Violation;
use crate::scenario::Scenario;
use crate::subject::Subject;
use crate::world::{ELECTION, HEARTBEAT, Process, World};

/// A run in which a promise was broken.
#[derive(Clone, PartialEq, Debug)]
pub struct Failure {
    /// Which scenario.
    pub scenario: &'static str,
    /// Which seed.
    pub seed: u64,
    /// What was put to the test.
    pub subject: Subject,
    /// What was broken.
    pub violation: Violation,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { scenario, seed, subject, violation } = self;
        let runtime = if subject.is_runtime() { " --runtime" } else { "" };
        writeln!(f, "scenario {scenario}, seed {seed}{runtime}: {violation}")?;
        write!(
            f,
            "replay with: cargo run -p simulation -- replay --scenario {scenario} --seed {seed}{runtime}"
        )
    }
}

/// One run of a seed.
///
/// # Errors
/// The first promise that was broken.
pub fn run(scenario: &Scenario, seed: u64, subject: Subject, trace: bool) -> Result<Tally, Box<Failure>> {
    let mut run = Run { world: World::new(scenario, seed, subject, trace) };
    run.whole()
        .map_err(|violation| Box::new(Failure { scenario: scenario.name, seed, subject, violation }))?;
    Ok(run.world.tally)
}

struct Run {
    world: World,
}

impl Run {
    fn whole(&mut self) -> Result<(), Violation> {
        let faults = ELECTION * self.world.scenario.faults.duration;
        self.world.run_until(faults)?;
        self.recover()?;
        for _ in 0..self.world.scenario.elections {
            self.elect()?;
        }
        Ok(())
    }

    /// After the faults have stopped there is a leader within the bound, and it stays.
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
        if self.world.scenario.fleet.slow > 0.0 { Ok(()) } else { self.stays() }
    }

    /// T for the lease of a leader that has gone, and H more for each delay that may follow before a node campaigns.
    fn recovery_bound(&self) -> Duration {
        let longest = |span: fn(&Process) -> Duration| {
            let spans = self.world.processes.iter().map(|process| process.clock.takes(span(process)));
            spans.max().unwrap_or_default()
        };
        longest(|process| process.timing.election_timeout())
            + 12 * longest(|process| process.timing.heartbeat_interval())
    }

    /// The leader stays leader, and no node claims.
    fn stays(&mut self) -> Result<(), Violation> {
        let (leaders, claims) = (self.world.leaders(), self.world.claims.len());
        if leaders.len() != 1 {
            return self.violated(format!("{} leaders where there should be one", leaders.len()));
        }
        let leader = self.world.processes[leaders[0]].identity.id.clone();
        for index in self.world.alive() {
            let process = &self.world.processes[*index];
            let registered = process.node.is_registered(process.clock.shows(self.world.now));
            if !registered && process.identity.id != leader {
                return self.violated(format!("{} does not take part", process.identity.id));
            }
        }
        for _ in 0..16 {
            self.world.run_until(self.world.now + self.pause() / 16)?;
            if self.world.leaders() != leaders || self.world.claims.len() != claims {
                return self.violated("the leadership changed although nothing went wrong".to_owned());
            }
        }
        Ok(())
    }

    /// One election without any fault except the one that causes it: the right node wins it in time.
    fn elect(&mut self) -> Result<(), Violation> {
        let started = self.world.refill();
        self.require(started)?;
        self.world.run_until(self.world.now + self.pause())?;
        self.stays()?;
        self.crash_waiting()?;
        let ending = Ending::ALL[self.world.rng().below(3)];
        let Some(&leader) = self.world.leaders().first() else { return Ok(()) };
        let candidates = self.candidates(leader);
        let victims = if ending == Ending::CrashOfTwo { 1 } else { 0 };
        let Some(&winner) = candidates.get(victims) else { return Ok(()) };
        self.world.note(&format!("measured: {ending:?}"));
        let stopped = self.world.now;
        self.end_leadership(ending, leader, candidates[0])?;
        let claims = self.world.claims.len();
        let expectation = Expectation::new(&self.world, ending, leader, winner);
        let (mut from, within) = (stopped, expectation.within);
        while self.world.claims.len() == claims {
            if ending != Ending::Stop {
                from = self.world.renewed;
            }
            if self.world.now > from + within {
                return self.violated(format!(
                    "no leader {within:?} after the end of the last leadership ({ending:?})"
                ));
            }
            self.world.run_until(self.world.now + HEARTBEAT / 50)?;
        }
        let (at, _, won) = &self.world.claims[claims];
        let checked = expectation.check(&self.world, won, at.saturating_sub(from));
        self.require(checked)?;
        self.world.tally.measured += 1;
        self.world.run_until(self.world.now + HEARTBEAT / 5)?;
        self.stays()
    }

    /// A process that waits for the leader's row would change who is best in the middle of an election.
    fn crash_waiting(&mut self) -> Result<(), Violation> {
        for index in self.world.alive().to_vec() {
            let process = &self.world.processes[index];
            if !process.node.is_registered(process.clock.shows(self.world.now)) {
                self.crash(index)?;
            }
        }
        Ok(())
    }

    /// The nodes that can lead after this leader, the best first.
    fn candidates(&self, leader: usize) -> Vec<usize> {
        let world = &self.world;
        let able = |index: &usize| *index != leader && !world.processes[*index].claim_blocked;
        let mut candidates: Vec<usize> = world.alive().iter().copied().filter(able).collect();
        candidates.sort_by_key(|index| {
            let id = &world.processes[*index].identity.id;
            (Reverse(world.database.nodes.get(id).map(|row| row.priority)), id.clone())
        });
        candidates
    }

    fn end_leadership(&mut self, ending: Ending, leader: usize, next: usize) -> Result<(), Violation> {
        match ending {
            Ending::Crash => self.crash(leader)?,
            Ending::CrashOfTwo => {
                self.crash(leader)?;
                self.crash(next)?;
                self.world.jump_clock();
            }
            Ending::Stop => {
                let stop = self.world.stop(leader);
                self.require(stop)?;
            }
        }
        Ok(())
    }

    fn crash(&mut self, index: usize) -> Result<(), Violation> {
        let crashed = self.world.crash(index);
        self.require(crashed)
    }

    fn pause(&self) -> Duration {
        ELECTION.mul_f64(self.world.scenario.pause)
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
