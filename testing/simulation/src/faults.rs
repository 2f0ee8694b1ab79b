//! The kinds of faults, and how often each was injected and took part in a failover.

use std::fmt;

/// One kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(usize)]
pub enum Fault {
    /// A process is gone between one moment and the next.
    Crash,
    /// A new process starts under the id of one that is gone.
    Restart,
    /// A new process starts under an id of its own.
    NewId,
    /// A new process starts under the id of one that lives.
    DuplicateId,
    /// A process is not run for a while, its clock going on.
    Freeze,
    /// The same, between its reading the clock and its acting on what it read.
    FreezeAfterClock,
    /// A machine is suspended: its clock goes on, its timers do not. Of the runtime only.
    Suspend,
    /// A request panics in the middle. Of the runtime only.
    Panic,
    /// One process does not reach the database.
    Partition,
    /// The database answers nobody.
    Outage,
    /// The database's clock is set.
    ClockJump,
    /// Somebody deletes a node's row by hand.
    RowDeleted,
    /// A process is asked to stop.
    Stop,
    /// A node's priority changes.
    Priority,
    /// A node's health gate opens or closes.
    Health,
    /// A request never arrives.
    LostRequest,
    /// A request takes effect and its reply is lost.
    LostReply,
    /// A request takes effect after its sender gave up.
    LateRequest,
    /// A node's every step takes nearly as long as its limit, or a little longer.
    Slow,
    /// A node's claims never arrive, all else does.
    ClaimBlocked,
    /// Live nodes have different settings.
    MixedSettings,
    /// Live nodes' clocks differ by nearly as much as the setting allows.
    Drift,
    /// The database forgets what it committed last.
    Restore,
    /// Somebody deletes a term's row by hand.
    TermDeleted,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 24] = [
        Fault::Crash,
        Fault::Restart,
        Fault::NewId,
        Fault::DuplicateId,
        Fault::Freeze,
        Fault::FreezeAfterClock,
        Fault::Suspend,
        Fault::Panic,
        Fault::Partition,
        Fault::Outage,
        Fault::ClockJump,
        Fault::RowDeleted,
        Fault::Stop,
        Fault::Priority,
        Fault::Health,
        Fault::LostRequest,
        Fault::LostReply,
        Fault::LateRequest,
        Fault::Slow,
        Fault::ClaimBlocked,
        Fault::MixedSettings,
        Fault::Drift,
        Fault::Restore,
        Fault::TermDeleted,
    ];

    /// Whether it takes the runtime: the rules' machine has neither timers nor anything that panics.
    pub fn takes_runtime(self) -> bool {
        matches!(self, Fault::Suspend | Fault::Panic)
    }
}

/// What happened in one run or in many.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Leaderships that followed another process's.
    pub failovers: u64,
    /// Elections without faults whose winner and delay were checked to the letter.
    pub measured: u64,
    /// Fenced writes committed and refused.
    pub writes: (u64, u64),
    /// Events handled.
    pub events: u64,
    /// The longest recovery after faults stopped, as a share of the stated bound.
    pub slowest: f64,
    injected: [u64; Fault::ALL.len()],
    took_part: [u64; Fault::ALL.len()],
    recent: [bool; Fault::ALL.len()],
}

impl Tally {
    /// What a run starts with.
    pub fn of_one_run() -> Self {
        Self { runs: 1, ..Self::default() }
    }

    /// A fault was injected.
    pub fn inject(&mut self, fault: Fault) {
        self.injected[fault as usize] += 1;
        self.recent[fault as usize] = true;
    }

    /// A lasting fault is there now.
    pub fn present(&mut self, fault: Fault) {
        self.recent[fault as usize] = true;
    }

    /// A leadership began; `failover` if it followed another process's.
    pub fn leadership(&mut self, failover: bool) {
        if failover {
            self.failovers += 1;
            for (count, recent) in self.took_part.iter_mut().zip(self.recent) {
                *count += u64::from(recent);
            }
        }
        self.recent = Default::default();
    }

    /// How often a kind was injected, and in how many failovers it took part.
    pub fn of(&self, fault: Fault) -> (u64, u64) {
        (self.injected[fault as usize], self.took_part[fault as usize])
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Tally) {
        self.runs += other.runs;
        self.failovers += other.failovers;
        self.measured += other.measured;
        self.writes.0 += other.writes.0;
        self.writes.1 += other.writes.1;
        self.events += other.events;
        self.slowest = self.slowest.max(other.slowest);
        for kind in 0..Fault::ALL.len() {
            self.injected[kind] += other.injected[kind];
            self.took_part[kind] += other.took_part[kind];
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { runs, failovers, measured, writes, events, slowest, .. } = self;
        writeln!(
            f,
            "{runs} runs, {events} events, {failovers} failovers, {measured} of them measured to the letter"
        )?;
        writeln!(f, "{} fenced writes committed, {} refused", writes.0, writes.1)?;
        writeln!(f, "slowest recovery: {:.0} % of its bound", slowest * 100.0)?;
        writeln!(f, "{:<18} {:>10} {:>14}", "fault", "injected", "in failovers")?;
        for fault in Fault::ALL {
            let (injected, took_part) = self.of(fault);
            writeln!(f, "{:<18} {injected:>10} {took_part:>14}", format!("{fault:?}"))?;
        }
        Ok(())
    }
}
