//! Processes, the network and the database in true time.
//!
//! Every event of the system is an entry in one queue, ordered by true time. The adversary is in `adversary`, its
//! effects on messages are in `network`, and processes start and end in `population`.

use std::time::Duration;

use protocol::{Change, Command, Event, LeadershipId, Outcome, Reply, Term, Time};

use crate::clock::Moment;
use crate::database::{Database, DatabaseTime};
use crate::faults::{Fault, Tally};
use crate::mutation::Mutation;
use crate::observer::{Leading, Observer, Violation};
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::trace::{self, name};

mod adversary;
mod happening;
mod network;
mod population;
mod process;
mod schedule;

use happening::Happening;
pub use process::Process;
use process::{Inbound, Life};
use schedule::Schedule;

/// H of a node with the usual settings.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
/// T of a node with the usual settings.
pub const ELECTION: Duration = Duration::from_secs(3);

/// A simulated system.
pub struct World {
    pub scenario: Scenario,
    pub now: Moment,
    pub database: Database,
    pub processes: Vec<Process>,
    pub tally: Tally,
    /// The leaderships in the order of their commits: when, which, and by which node.
    pub claims: Vec<(Moment, LeadershipId, String)>,
    /// When the last renewal of the present leadership was committed.
    pub renewed: Moment,
    schedule: Schedule<Happening>,
    rng: Rng,
    mutation: Option<Mutation>,
    observer: Observer,
    alive: Vec<usize>,
    /// How many processes should live at once.
    target: usize,
    /// Whether faults are injected now.
    disturbed: bool,
    /// Since when nothing has gone wrong.
    quiet_since: Option<Moment>,
    outage_until: Moment,
    database_clock: DatabaseTime,
    backup: Database,
    next_name: usize,
    trace: bool,
}

impl World {
    /// A system with empty tables. Its processes start within the first moments.
    pub fn new(scenario: &Scenario, seed: u64, mutation: Option<Mutation>, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let (low, high) = (*scenario.fleet.nodes.start(), *scenario.fleet.nodes.end());
        let target = low + rng.below(high - low + 1);
        let database = Database::new(scenario.terms_kept, mutation);
        let mut observer = Observer::default();
        if scenario.forgets() {
            observer.expect_forgetting();
        }
        let mut world = Self {
            scenario: scenario.clone(),
            now: Moment::ZERO,
            backup: database.clone(),
            database,
            processes: Vec::new(),
            tally: Tally::of_one_run(),
            claims: Vec::new(),
            renewed: Moment::ZERO,
            schedule: Schedule::new(),
            rng,
            mutation,
            observer,
            alive: Vec::new(),
            target,
            disturbed: scenario.is_faulty(),
            quiet_since: None,
            outage_until: Moment::ZERO,
            database_clock: 1_000_000_000_000,
            next_name: 0,
            trace,
        };
        for _ in 0..target {
            let at = world.rng.between(Duration::ZERO, HEARTBEAT / 20);
            world.schedule(at, Happening::Start { id: None });
        }
        for (fault, present) in
            [(Fault::MixedSettings, scenario.fleet.mixed), (Fault::Drift, scenario.fleet.drift)]
        {
            if present {
                world.tally.inject(fault);
            }
        }
        world.schedule(ELECTION, Happening::Refill);
        if world.disturbed {
            world.schedule_fault();
        }
        world
    }

    /// Runs until this moment.
    pub fn run_until(&mut self, end: Moment) -> Result<(), Violation> {
        while let Some((at, happening)) = self.schedule.next_until(end) {
            self.now = at;
            self.tally.events += 1;
            self.happen(happening).map_err(|what| Violation { at, what })?;
        }
        self.now = end;
        Ok(())
    }

    /// The processes that lead now.
    pub fn leaders(&self) -> Vec<usize> {
        let leads = |index: &usize| {
            let process = &self.processes[*index];
            let stored = self.mutation == Some(Mutation::StoredFlag) && process.flag && process.alive();
            stored || process.leads(self.now).is_some()
        };
        self.alive.iter().copied().filter(leads).collect()
    }

    /// The processes that are alive.
    pub fn alive(&self) -> &[usize] {
        &self.alive
    }

    /// Sets the database's clock.
    pub fn jump_clock(&mut self) {
        // By milliseconds to years, either way.
        let scale = 10f64.powf(3.0 + 11.0 * self.rng.fraction());
        #[expect(clippy::cast_possible_truncation, reason = "at most some years in microseconds")]
        let by = (scale * (2.0 * self.rng.fraction() - 1.0)) as i64;
        self.say(|| format!("the database's clock jumps by {by} us"));
        self.database_clock = self.database_clock.saturating_add(by);
    }

    /// The random numbers, for the caller that decides what happens next.
    pub fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    /// Adds a line to the trace.
    pub fn note(&self, line: &str) {
        self.say(|| line.to_owned());
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::Tick { process, number } => {
                if self.processes[process].tick == number {
                    return self.receive(process, Inbound::plain(Event::Tick));
                }
            }
            Happening::Return { process, inbound } => return self.receive(process, inbound),
            Happening::Arrive { process, token, request, expected } => {
                return self.arrive(process, token, &request, expected);
            }
            Happening::Write { term } => {
                if self.database.fenced_write(term) {
                    self.tally.writes.0 += 1;
                    return self.observer.on_fenced_write(term, &self.database);
                }
                self.tally.writes.1 += 1;
            }
            Happening::Resume { process } => return self.resume(process),
            Happening::InjectFault => {
                if self.disturbed {
                    self.schedule_fault();
                    return self.inject_fault();
                }
            }
            Happening::Start { id } => return self.start(id),
            Happening::Refill => {
                let pause = self.rng.between(HEARTBEAT / 10, ELECTION);
                self.schedule(self.now + pause, Happening::Refill);
                if self.scenario.forgets() && self.rng.chance(0.7) {
                    self.backup = self.database.clone();
                }
                let forgotten = self.scenario.forgets() && self.alive.is_empty();
                if (self.disturbed && self.alive.len() < self.target) || forgotten {
                    let id = self.id_to_restart();
                    return self.start(id);
                }
            }
        }
        Ok(())
    }

    /// An event arrives at a process, which handles it unless it is frozen.
    fn receive(&mut self, index: usize, inbound: Inbound) -> Result<(), String> {
        match &mut self.processes[index].life {
            Life::Gone => Ok(()),
            Life::Frozen { inbox, .. } => {
                inbox.push(inbound);
                Ok(())
            }
            Life::Running => {
                let shown = self.processes[index].clock.shows(self.now);
                if self.disturbed && self.interrupts() {
                    self.freeze(index, Some((shown, inbound)));
                    return self.check();
                }
                self.handle(index, shown, inbound)
            }
        }
    }

    fn resume(&mut self, index: usize) -> Result<(), String> {
        let Life::Frozen { until, interrupted, inbox } = &mut self.processes[index].life else {
            return Ok(());
        };
        if self.now < *until {
            return Ok(());
        }
        let (interrupted, mut inbox) = (interrupted.take(), std::mem::take(inbox));
        self.processes[index].life = Life::Running;
        self.say(|| format!("{} resumes", name(&self.processes[index].identity)));
        self.check()?;
        if let Some((read_before, inbound)) = interrupted {
            self.handle(index, read_before, inbound)?;
        }
        inbox.push(Inbound::plain(Event::Tick));
        while !inbox.is_empty() && self.processes[index].alive() {
            let inbound = inbox.swap_remove(self.rng.below(inbox.len()));
            let shown = self.processes[index].clock.shows(self.now);
            self.handle(index, shown, inbound)?;
        }
        Ok(())
    }

    fn handle(&mut self, index: usize, shown: Time, inbound: Inbound) -> Result<(), String> {
        let process = &mut self.processes[index];
        if let Event::Reply { token, reply: Some(reply) } = &inbound.event
            && process.awaits(*token, shown)
        {
            match reply {
                Reply::Snapshot(view) => self.observer.on_snapshot(process.identity.incarnation, view),
                Reply::Claimed { term } => {
                    self.observer.on_claim_reply(process.identity.incarnation, *term)?
                }
                _ => {}
            }
        }
        let before = process.machine.lease();
        let is_reply = matches!(inbound.event, Event::Reply { reply: Some(_), .. });
        let what = if self.trace { trace::event(&inbound.event) } else { String::new() };
        let commands = process.machine.handle(shown, inbound.event);
        let after = process.machine.lease();
        process.flag = after.is_some();
        let extended = after.filter(|after| {
            is_reply
                && before.is_none_or(|before| before.term != after.term || before.deadline < after.deadline)
        });
        if let Some(lease) = extended {
            process.rests_on = inbound.effect.seq;
            if inbound.effect.open != Some(lease.term) {
                let who = name(&process.identity);
                return Err(format!(
                    "{who} extended its lease of term {} while that was not open",
                    lease.term
                ));
            }
        }
        self.say(|| {
            let process = &self.processes[index];
            let lease = trace::lease(process.machine.lease(), shown);
            let commands: Vec<_> = commands.iter().map(trace::command).collect();
            format!("{}{lease} <- {what}\n             -> {}", name(&process.identity), commands.join("; "))
        });
        for command in commands {
            match command {
                Command::Send { token, request, limit } => {
                    self.processes[index].awaited = (token, shown + limit);
                    self.send(index, token, request, limit);
                }
                Command::Announce(change) => self.announced(index, &change)?,
                Command::End(outcome) => return self.ended(index, outcome),
            }
        }
        self.schedule_tick(index, shown);
        self.maybe_write(index);
        self.check()
    }

    fn announced(&mut self, index: usize, change: &Change) -> Result<(), String> {
        if let Change::BecameLeader { term, .. } = change {
            self.tally_traits();
            let process = &self.processes[index];
            if process.machine.lease().is_none_or(|lease| lease.term != *term) {
                return Err(format!("{} announced term {term} without a lease", name(&process.identity)));
            }
        }
        Ok(())
    }

    fn ended(&mut self, index: usize, outcome: Outcome) -> Result<(), String> {
        let process = &self.processes[index];
        if process.machine.lease().is_some() {
            return Err(format!("{} ended ({outcome:?}) with a lease", name(&process.identity)));
        }
        let stopped = matches!(outcome, Outcome::Stopped { .. });
        if stopped != process.stopping && stopped {
            return Err(format!("{} stopped without being asked", name(&process.identity)));
        }
        let clean = outcome == Outcome::Stopped { clean: true };
        let row = self.database.nodes.get(&process.identity.id);
        let own_row = row.is_some_and(|row| row.incarnation == process.identity.incarnation);
        let own_term =
            self.database.open_term().is_some_and(|term| term.incarnation == process.identity.incarnation);
        if clean
            && (own_row || own_term)
            && self.quiet_since.is_some_and(|since| self.now > since + HEARTBEAT)
        {
            return Err(format!(
                "{} stopped cleanly but left its row or its term behind",
                name(&process.identity)
            ));
        }
        self.remove(index);
        self.check()
    }

    /// Schedules a process's next tick for when it is due, or a little later.
    fn schedule_tick(&mut self, index: usize, shown: Time) {
        let process = &mut self.processes[index];
        process.tick += 1;
        let number = process.tick;
        let Some(due) = process.machine.due() else { return };
        let late = if self.rng.chance(0.1) { HEARTBEAT / 50 } else { HEARTBEAT / 1000 };
        let lag = self.rng.between(Duration::ZERO, late);
        let process = &self.processes[index];
        let at = process.clock.reaches(due).max(self.now);
        // A machine that is due at once is called at once, but time still advances.
        let lag = if due <= shown { lag + Duration::from_nanos(1) } else { lag };
        self.schedule(at + lag, Happening::Tick { process: index, number });
    }

    /// The leader's application writes through the fence now and then. The write may take any time to arrive.
    fn maybe_write(&mut self, index: usize) {
        if let Some(lease) = self.processes[index].leads(self.now)
            && self.rng.chance(0.2)
        {
            let slowest = if self.rng.chance(0.2) { 3 * ELECTION } else { HEARTBEAT / 10 };
            let delay = self.rng.between(Duration::ZERO, slowest);
            self.schedule(self.now + delay, Happening::Write { term: lease.term });
        }
    }

    /// At most one process leads now.
    fn check(&mut self) -> Result<(), String> {
        let leaders = self.leaders();
        if leaders.len() < 2 {
            return Ok(());
        }
        let leading: Vec<_> = leaders
            .into_iter()
            .map(|index| {
                let process = &self.processes[index];
                Leading {
                    id: process.identity.id.clone(),
                    incarnation: process.identity.incarnation,
                    term: process.machine.lease().map_or(Term::NONE, |lease| lease.term),
                    rests_on: process.rests_on,
                }
            })
            .collect();
        self.observer.check_leaders(&leading)
    }

    fn schedule(&mut self, at: Moment, happening: Happening) {
        self.schedule.add(at, happening);
    }

    fn say(&self, line: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.6} {}", self.now.as_secs_f64(), line());
        }
    }
}
