//! The kinds of faults, and how often each was injected and was present in a failover.

use std::fmt;

/// One kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(usize)]
pub enum Fault {
    /// A process dies at once.
    Crash,
    /// A new process starts with the id of one that has gone.
    Restart,
    /// A new process starts with a new id.
    NewId,
    /// A new process starts with the id of one that lives.
    DuplicateId,
    /// A process is paused for a while. Its clock goes on.
    Freeze,
    /// The same, after it read the clock and before it acted on that.
    FreezeAfterClock,
    /// A machine is suspended: its clock goes on, its timers do not. Of the runtime only.
    Suspend,
    /// A request panics in the middle. Of the runtime only.
    Panic,
    /// One process does not reach the database.
    Partition,
    /// The database does not answer.
    Outage,
    /// The database's clock is set.
    ClockJump,
    /// A person deletes a node's row.
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
    /// A request takes effect after its sender has given up.
    LateRequest,
    /// Every step of a node takes nearly as long as its limit, or a little longer.
    Slow,
    /// A node's claims never arrive; its other requests do.
    ClaimBlocked,
    /// Live nodes have different settings.
    MixedSettings,
    /// Live nodes' clocks differ by nearly as much as the setting allows.
    Drift,
    /// The database forgets its last commits.
    Restore,
    /// A person deletes a term's row.
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

/// Counts of one run, or of many.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tally {
    /// How many runs.
    pub runs: u64,
    /// Leaderships after that of another process.
    pub failovers: u64,
    /// Elections without faults whose winner and delay were checked.
    pub measured: u64,
    /// Fenced writes committed and refused.
    pub writes: (u64, u64),
    /// Events handled.
    pub events: u64,
    /// The longest recovery after the end of the faults, as a share of its bound.
    pub slowest: f64,
    injected: [u64; Fault::ALL.len()],
    took_part: [u64; Fault::ALL.len()],
    recent: [bool; Fault::ALL.len()],
}

impl Tally {
    /// The counts at the start of a run.
    pub fn of_one_run() -> Self {
        Self { runs: 1, ..Self::default() }
    }

    /// A fault was injected.
    pub fn inject(&mut self, fault: Fault) {
        self.injected[fault as usize] += 1;
        self.recent[fault as usize] = true;
    }

    /// A lasting fault is present.
    pub fn present(&mut self, fault: Fault) {
        self.recent[fault as usize] = true;
    }

    /// A leadership began; `failover` if the one before was another process's.
    pub fn leadership(&mut self, failover: bool) {
        if failover {
            self.failovers += 1;
            for (count, recent) in self.took_part.iter_mut().zip(self.recent) {
                *count += u64::from(recent);
            }
        }
        self.recent = Default::default();
    }

    /// How often a kind was injected, and in how many failovers it was present.
    pub fn of(&self, fault: Fault) -> (u64, u64) {
        (self.injected[fault as usize], self.took_part[fault as usize])
    }

    /// Adds other counts.
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
            "{runs} runs, {events} events, {failovers} failovers, {measured} of them with winner and delay checked"
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
