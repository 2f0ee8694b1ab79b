//! Processes, the network and the database in true time.
//!
//! Everything that happens is an entry in one queue, ordered by true time; nothing else moves. The adversary is in
//! `adversary`, what it does to messages in `network`, how processes come and go in `population`, what
//! one does when something reaches it in `turn`.

use std::time::Duration;

use protocol::{Event, LeadershipId, Term};

use crate::clock::Moment;
use crate::database::{Database, DatabaseTime};
use crate::faults::{Fault, Tally};
use crate::mutation::Mutation;
use crate::observer::{Leading, Observer, Violation};
use crate::rng::Rng;
use crate::scenario::Scenario;
use crate::subject::Subject;

mod adversary;
mod happening;
mod network;
mod population;
mod process;
mod schedule;
mod turn;

use happening::Happening;
use process::Inbound;
pub use process::Process;
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
    subject: Subject,
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
    pub fn new(scenario: &Scenario, seed: u64, subject: Subject, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let (low, high) = (*scenario.fleet.nodes.start(), *scenario.fleet.nodes.end());
        let target = low + rng.below(high - low + 1);
        let database = Database::new(scenario.terms_kept, subject.mutation());
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
            subject,
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
            let stored =
                self.subject.mutation() == Some(Mutation::StoredFlag) && process.flag && process.alive();
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

    /// The application of a leader writes through the fence now and then; the write may take any time to arrive.
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
                    term: process.node.lease().map_or(Term::NONE, |lease| lease.term),
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
