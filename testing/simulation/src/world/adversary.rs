//! The adversary: which fault, when, and for which process.

use std::collections::BTreeSet;
use std::time::Duration;

use super::happening::Happening;
use super::process::{Inbound, Life, Process};
use super::{ELECTION, HEARTBEAT, World};
use crate::clock::Moment;
use crate::faults::Fault;
use crate::trace::name;
use protocol::{Term, Time};

impl World {
    /// Ends all faults: frozen processes and partitions resume.
    pub fn calm(&mut self) -> Result<(), String> {
        self.say(|| "no more faults".to_owned());
        self.disturbed = false;
        self.quiet_since = Some(self.now);
        self.outage_until = self.now;
        self.flush();
        for index in self.alive.clone() {
            self.processes[index].partitioned_until = self.now;
            self.processes[index].slow &= self.scenario.elections == 0;
            if let Life::Frozen { until, .. } = &mut self.processes[index].life {
                *until = self.now;
                self.resume(index)?;
            }
        }
        // At least two nodes that could lead. Two processes of one node do not count: one of them will be replaced.
        while self.able().len() < 2 {
            let id = self.id_to_restart();
            self.start(id)?;
        }
        for index in self.alive.clone() {
            self.set_eligible(index, true);
        }
        Ok(())
    }

    /// The ids of the processes that stay alive and can claim.
    fn able(&self) -> BTreeSet<&str> {
        let able = |process: &&Process| !process.stopping && !process.claim_blocked;
        let alive = self.alive.iter().map(|index| &self.processes[*index]);
        alive.filter(able).map(|process| process.identity.id.as_str()).collect()
    }

    /// Starts processes until enough live.
    pub fn refill(&mut self) -> Result<(), String> {
        while self.alive.len() < self.target.max(3) {
            let id = self.id_to_restart();
            self.start(id)?;
        }
        Ok(())
    }

    pub(super) fn schedule_fault(&mut self) {
        let mean = ELECTION.mul_f64(self.scenario.faults.pace);
        let pause = mean.mul_f64(-(1.0 - self.rng.fraction()).ln());
        self.schedule(self.now + pause, Happening::InjectFault);
    }

    pub(super) fn inject_fault(&mut self) -> Result<(), String> {
        let faults = self.scenario.faults.kinds;
        let total: u32 = faults.iter().map(|(_, weight)| weight).sum();
        let mut roll = u32::try_from(self.rng.below(total.max(1) as usize)).unwrap_or(0);
        let chosen = faults.iter().find(|(_, weight)| {
            let hit = roll < *weight;
            roll = roll.saturating_sub(*weight);
            hit
        });
        let Some(&(fault, _)) = chosen else { return Ok(()) };
        let leader = self.leaders().first().copied();
        let anybody = self.rng.pick(&self.alive).copied();
        let leader_bias = leader.filter(|_| self.rng.chance(self.scenario.faults.leader_bias));
        let Some(victim) = leader_bias.or(anybody) else { return Ok(()) };
        let panics = fault == Fault::Crash && self.subject.is_runtime() && self.rng.chance(0.3);
        self.apply(if panics { Fault::Panic } else { fault }, victim)?;
        self.check()
    }

    fn apply(&mut self, fault: Fault, victim: usize) -> Result<(), String> {
        self.say(|| format!("{fault:?} for {}", name(&self.processes[victim].identity)));
        match fault {
            Fault::Crash => {
                self.crash(victim)?;
                if self.rng.chance(0.5) {
                    let delay = self.span();
                    let id = Some(self.processes[victim].identity.id.clone());
                    self.tally.inject(Fault::Restart);
                    self.schedule(self.now + delay, Happening::Start { id });
                }
            }
            Fault::Panic => {
                if !self.processes[victim].running() || !self.panic(victim)? {
                    return Ok(());
                }
            }
            Fault::Stop => self.stop(victim)?,
            Fault::NewId => {
                self.crash(victim)?;
                self.start(None)?;
            }
            Fault::DuplicateId => {
                if self.alive.len() > self.target {
                    return Ok(());
                }
                let id = Some(self.processes[victim].identity.id.clone());
                self.start(id)?;
            }
            Fault::Freeze => self.freeze(victim, None),
            // Interrupts the next event.
            Fault::FreezeAfterClock => return Ok(()),
            Fault::Partition => self.processes[victim].partitioned_until = self.now + self.span(),
            Fault::Outage => self.outage_until = self.now + self.span(),
            Fault::ClockJump => self.jump_clock(),
            Fault::RowDeleted => self.delete_row(victim),
            Fault::Priority => {
                let priority = i32::try_from(self.rng.below(3)).unwrap_or(0);
                self.processes[victim].identity.priority = priority;
                if let Some(row) = self.database.nodes.get_mut(&self.processes[victim].identity.id) {
                    row.priority = priority;
                }
            }
            Fault::Health => {
                let eligible = !self.processes[victim].identity.eligible || self.rng.chance(0.4);
                self.set_eligible(victim, eligible);
            }
            Fault::Restore => {
                let before = self.database.clone();
                self.database = self.backup.clone();
                self.observer.on_forgotten(&before, &self.database);
            }
            Fault::TermDeleted => {
                let before = self.database.clone();
                let terms: Vec<Term> = self.database.terms.keys().rev().take(2).copied().collect();
                if let Some(term) = self.rng.pick(&terms) {
                    self.database.terms.remove(term);
                }
                self.observer.on_forgotten(&before, &self.database);
            }
            Fault::Restart
            | Fault::Suspend
            | Fault::LostRequest
            | Fault::LostReply
            | Fault::LateRequest
            | Fault::Slow
            | Fault::ClaimBlocked
            | Fault::MixedSettings
            | Fault::Drift => return Ok(()),
        }
        self.tally.inject(fault);
        Ok(())
    }

    /// Whether a process is frozen between reading the clock and acting on it.
    pub(super) fn interrupts(&mut self) -> bool {
        let armed = self.scenario.faults.kinds.iter().any(|(fault, _)| *fault == Fault::FreezeAfterClock);
        armed && self.rng.chance(0.005)
    }

    pub(super) fn freeze(&mut self, index: usize, interrupted: Option<(Time, Inbound)>) {
        if !self.processes[index].running() {
            return;
        }
        if interrupted.is_some() {
            self.tally.inject(Fault::FreezeAfterClock);
        }
        let until = self.now + self.span();
        self.say(|| format!("{} is frozen until {until:?}", name(&self.processes[index].identity)));
        self.processes[index].life = Life::Frozen { since: self.now, until, interrupted, inbox: Vec::new() };
        self.schedule(until, Happening::Resume { process: index });
    }

    /// A machine whose process goes on may have been suspended meanwhile, and its timers with it.
    pub(super) fn suspend(&mut self, index: usize, since: Moment) {
        if !self.subject.is_runtime() || !self.rng.chance(0.3) {
            return;
        }
        let process = &mut self.processes[index];
        let span = process.clock.shows(self.now).since(process.clock.shows(since));
        process.node.suspended(span);
        self.tally.inject(Fault::Suspend);
        self.say(|| format!("  its timers stood still for {span:?}"));
    }

    /// Counts the faults that are present all the time.
    pub(super) fn tally_traits(&mut self) {
        let alive = || self.alive.iter().map(|index| &self.processes[*index]);
        let slow = alive().any(|process| process.slow);
        let claim_blocked = alive().any(|process| process.claim_blocked);
        let mixed = self.scenario.fleet.mixed && self.alive.len() > 1;
        let drift = self.scenario.fleet.drift && self.alive.len() > 1;
        for (fault, present) in [
            (Fault::Slow, slow),
            (Fault::ClaimBlocked, claim_blocked),
            (Fault::MixedSettings, mixed),
            (Fault::Drift, drift),
        ] {
            if present {
                self.tally.present(fault);
            }
        }
    }

    /// The id for a process that restarts: that of one that has gone, or a new one.
    pub(super) fn id_to_restart(&mut self) -> Option<String> {
        let alive: Vec<&str> =
            self.alive.iter().map(|index| self.processes[*index].identity.id.as_str()).collect();
        let mut gone: Vec<String> = Vec::new();
        for process in self.processes.iter().rev().take(2 * self.target) {
            let id = &process.identity.id;
            if !alive.contains(&id.as_str()) && !gone.contains(id) {
                gone.push(id.clone());
            }
        }
        if self.rng.chance(0.2) {
            return None;
        }
        let id = self.rng.pick(&gone).cloned();
        if id.is_some() && self.disturbed {
            self.tally.inject(Fault::Restart);
        }
        id
    }

    fn delete_row(&mut self, victim: usize) {
        let id = self.processes[victim].identity.id.clone();
        self.database.nodes.remove(&id);
        if self.rng.chance(0.1) {
            self.database.nodes.clear();
        }
        // In half of the cases the process does not notice soon.
        if self.rng.chance(0.5) {
            self.processes[victim].partitioned_until = self.now + self.span();
            self.tally.inject(Fault::Partition);
        }
    }

    fn set_eligible(&mut self, index: usize, eligible: bool) {
        let identity = &mut self.processes[index].identity;
        identity.eligible = eligible;
        let id = identity.id.clone();
        if let Some(row) = self.database.nodes.get_mut(&id) {
            row.eligible = eligible;
        }
    }

    /// The duration of a fault: short, about as long as a lease, or long.
    fn span(&mut self) -> Moment {
        let (low, high) = [
            (Duration::ZERO, HEARTBEAT),
            (HEARTBEAT, ELECTION),
            (ELECTION.mul_f64(0.5), ELECTION.mul_f64(1.2)),
            (ELECTION, 4 * ELECTION),
        ][self.rng.below(4)];
        self.rng.between(low, high)
    }
}
