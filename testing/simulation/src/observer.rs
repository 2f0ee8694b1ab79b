//! Observes every process and the database at once, in true time, and checks the promises at every step.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use protocol::{HeartbeatSeq, Incarnation, LeadershipId, Snapshot, Term};

use crate::clock::Moment;
use crate::database::Database;

/// A broken promise.
#[derive(Clone, PartialEq, Debug)]
pub struct Violation {
    /// When, in true time.
    pub at: Moment,
    /// What was observed.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {:?}: {}", self.at, self.what)
    }
}

/// A process whose `is_leader` answers true.
#[derive(Clone, PartialEq, Debug)]
pub struct Leading {
    pub id: String,
    pub incarnation: Incarnation,
    pub term: Term,
    /// The row's counter in the version that its lease relies on.
    pub rests_on: HeartbeatSeq,
}

impl Leading {
    fn leadership(&self) -> LeadershipId {
        LeadershipId { term: self.term, incarnation: self.incarnation }
    }
}

/// The observer's memory.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    granted: BTreeMap<Term, Incarnation>,
    last_write: Term,
    /// Whether the database has forgotten anything.
    forgetful: bool,
    /// Leaderships of which the database forgot a part: the counters it kept and had had.
    forgotten: HashMap<LeadershipId, Vec<(i64, i64)>>,
    /// Leaderships that were ended by a process that could not have known better.
    wrongly_ended: HashSet<LeadershipId>,
    /// The newest version of each leadership.
    versions: HashMap<LeadershipId, i64>,
    /// The newest version of each leadership that a process has seen.
    seen: HashMap<(Incarnation, LeadershipId), i64>,
    /// The same, when a process sent a request that may end that leadership.
    relied_on: HashMap<(Incarnation, u64), i64>,
    /// The highest term each process has seen.
    highest: HashMap<Incarnation, Term>,
}

impl Observer {
    /// A process gets a snapshot.
    pub fn on_snapshot(&mut self, reader: Incarnation, view: &Snapshot) {
        let highest = self.highest.entry(reader).or_default();
        *highest = (*highest).max(view.highest_term());
        if !self.forgetful {
            return;
        }
        for row in view.nodes.iter().filter(|row| row.is_leader()) {
            let version = row.heartbeat_seq.get();
            let newest = self.seen.entry((reader, row.leadership())).or_insert(version);
            *newest = (*newest).max(version);
        }
        if let Some(open) = view.open_term() {
            self.seen.entry((reader, open.leadership())).or_insert(-1);
        }
    }

    /// A claim was committed.
    pub fn on_claim(&mut self, term: Term, to: Incarnation) -> Result<(), String> {
        if !self.forgetful {
            if let Some(other) = self.granted.get(&term) {
                return Err(format!("term {term} was given to {to:?} and earlier to {other:?}"));
            }
            if let Some((highest, _)) = self.granted.last_key_value().filter(|(highest, _)| **highest > term)
            {
                return Err(format!("term {term} was given after term {highest}"));
            }
        }
        self.granted.insert(term, to);
        Ok(())
    }

    /// A process gets the reply to its successful claim.
    pub fn on_claim_reply(&mut self, process: Incarnation, term: Term) -> Result<(), String> {
        let highest = self.highest.entry(process).or_default();
        if term <= *highest {
            return Err(format!("term {term} was given to a process that had seen term {highest}"));
        }
        *highest = term;
        Ok(())
    }

    /// A leadership began or was renewed in this version of its row.
    pub fn on_renewal(&mut self, leadership: LeadershipId, version: HeartbeatSeq) {
        if self.forgetful {
            self.versions.insert(leadership, version.get());
        }
    }

    /// A fenced write was committed.
    pub fn on_fenced_write(&mut self, term: Term, database: &Database) -> Result<(), String> {
        if self.forgetful {
            // Only deleting every trace of the newest terms lets them come back.
            self.last_write = self.last_write.min(database.highest_term());
        }
        if term < self.last_write {
            return Err(format!(
                "a fenced write of term {term} landed after one of term {}",
                self.last_write
            ));
        }
        self.last_write = term;
        Ok(())
    }

    /// The database may forget from now on: begin to record what each process has seen.
    pub fn expect_forgetting(&mut self) {
        self.forgetful = true;
    }

    /// The database forgot something.
    pub fn on_forgotten(&mut self, before: &Database, after: &Database) {
        self.last_write = after.writes.last().copied().unwrap_or(Term::NONE).min(after.highest_term());
        let Some(open) = before.open_term() else { return };
        let version = |database: &Database| {
            let known = database.terms.get(&open.term).is_some_and(|row| *row == *open);
            let row = database.nodes.get(&open.leader_id);
            let row = row.filter(|row| {
                (row.term, row.incarnation) == (open.term, open.incarnation) && row.is_leader()
            });
            if known { row.map_or(-1, |row| row.heartbeat_seq.get()) } else { i64::MIN }
        };
        let had = self.versions.get(&open.leadership()).copied().unwrap_or(-1).max(version(before));
        self.forgotten.entry(open.leadership()).or_default().push((version(after), had));
    }

    /// A process sends a request that may end another process's leadership. It may arrive when the process knows
    /// better.
    pub fn on_ending_request(&mut self, leadership: LeadershipId, by: Incarnation, token: u64) {
        if let Some(seen) = self.seen.get(&(by, leadership)) {
            self.relied_on.insert((by, token), *seen);
        }
    }

    /// A process ended another's leadership after it had waited for the end of that lease.
    pub fn on_other_term_ended(&mut self, leadership: LeadershipId, by: Incarnation, token: u64) {
        let newest = self.versions.get(&leadership).copied().unwrap_or(-1);
        let unseen = self.relied_on.get(&(by, token)).is_none_or(|seen| *seen < newest);
        if unseen && self.forgotten.contains_key(&leadership) {
            self.wrongly_ended.insert(leadership);
        }
    }

    /// These processes lead now.
    pub fn check_leaders(&self, leaders: &[Leading]) -> Result<(), String> {
        for (index, one) in leaders.iter().enumerate() {
            for other in &leaders[index + 1..] {
                if !self.excused(one, other) && !self.excused(other, one) {
                    return Err(format!("two leaders: {one:?} and {other:?}"));
                }
            }
        }
        Ok(())
    }

    /// Whether `old` is a leadership that the database forgot in the version it relies on, and `new` had not seen
    /// that version: "a node that did not can be wrong until the forgotten leader's next renewal".
    fn excused(&self, old: &Leading, new: &Leading) -> bool {
        let versions = self.forgotten.get(&old.leadership());
        if self.wrongly_ended.contains(&old.leadership()) {
            return true;
        }
        let forgot = versions.is_some_and(|versions| {
            versions.iter().any(|(kept, had)| (kept.saturating_add(1)..=*had).contains(&old.rests_on.get()))
        });
        forgot
            && self
                .seen
                .get(&(new.incarnation, old.leadership()))
                .is_none_or(|seen| *seen < old.rests_on.get())
    }
}
