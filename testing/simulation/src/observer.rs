//! Sees every process and the database at once, in true time, and checks the promises at every step.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use protocol::{Incarnation, LeadershipId, Snapshot};

use crate::clock::Moment;
use crate::database::Database;

/// A promise that was broken.
#[derive(Clone, PartialEq, Debug)]
pub struct Violation {
    /// When, in true time.
    pub at: Moment,
    /// What was seen.
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
    pub term: i64,
    /// The row's counter in the version its lease rests on.
    pub rests_on: i64,
}

impl Leading {
    fn key(&self) -> LeadershipId {
        (self.term, self.incarnation)
    }
}

/// The observer's memory.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    granted: BTreeMap<i64, Incarnation>,
    last_write: i64,
    /// Whether the database ever forgot anything.
    forgetful: bool,
    /// Leaderships of which the database forgot something: what it kept, and what it had had.
    forgotten: HashMap<LeadershipId, Vec<(i64, i64)>>,
    /// Leaderships that were ended by a process that could not know better.
    wrongly_ended: HashSet<LeadershipId>,
    /// The newest version of each leadership.
    versions: HashMap<LeadershipId, i64>,
    /// The newest version of each leadership that a process has seen.
    seen: HashMap<(Incarnation, LeadershipId), i64>,
    /// The same as it was when a process sent a request that may end that leadership.
    relied_on: HashMap<(Incarnation, u64), i64>,
    /// The highest term each process has seen.
    highest: HashMap<Incarnation, i64>,
}

impl Observer {
    /// A process takes in what it read.
    pub fn reads(&mut self, reader: Incarnation, view: &Snapshot) {
        let highest = self.highest.entry(reader).or_default();
        *highest = (*highest).max(view.highest_term());
        if !self.forgetful {
            return;
        }
        for row in view.nodes.iter().filter(|row| row.leading) {
            let newest = self.seen.entry((reader, (row.term, row.incarnation))).or_insert(row.seq);
            *newest = (*newest).max(row.seq);
        }
        if let Some(open) = view.open_term() {
            self.seen.entry((reader, open.key())).or_insert(-1);
        }
    }

    /// A claim was committed.
    pub fn grants(&mut self, term: i64, to: Incarnation) -> Result<(), String> {
        if !self.forgetful {
            if let Some(other) = self.granted.get(&term) {
                return Err(format!("term {term} was given to {to:?} and before to {other:?}"));
            }
            if let Some((highest, _)) = self.granted.last_key_value().filter(|(highest, _)| **highest > term)
            {
                return Err(format!("term {term} was given after term {highest}"));
            }
        }
        self.granted.insert(term, to);
        Ok(())
    }

    /// A process is told of its own new term.
    pub fn is_told(&mut self, process: Incarnation, term: i64) -> Result<(), String> {
        let highest = self.highest.entry(process).or_default();
        if term <= *highest {
            return Err(format!("term {term} was given to a process that had seen term {highest}"));
        }
        *highest = term;
        Ok(())
    }

    /// A leadership was begun or renewed in this version of its row.
    pub fn renews(&mut self, key: LeadershipId, version: i64) {
        if self.forgetful {
            self.versions.insert(key, version);
        }
    }

    /// A fenced write was committed.
    pub fn writes(&mut self, term: i64, database: &Database) -> Result<(), String> {
        if self.forgetful {
            // Deleting every trace of the newest terms is the one thing that lets them come back.
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

    /// The database is about to be able to forget: from here on remember who saw what.
    pub fn expect_forgetting(&mut self) {
        self.forgetful = true;
    }

    /// The database forgot something.
    pub fn forgets(&mut self, before: &Database, after: &Database) {
        self.last_write = after.writes.last().copied().unwrap_or(0).min(after.highest_term());
        let Some(open) = before.open_term() else { return };
        let version = |database: &Database| {
            let known = database.terms.get(&open.term).is_some_and(|row| *row == *open);
            let row = database.nodes.get(&open.leader_id);
            let row = row.filter(|row| (row.term, row.incarnation) == open.key() && row.leading);
            if known { row.map_or(-1, |row| row.seq) } else { i64::MIN }
        };
        let had = self.versions.get(&open.key()).copied().unwrap_or(-1).max(version(before));
        self.forgotten.entry(open.key()).or_default().push((version(after), had));
    }

    /// A process sends a request that may end another's leadership. It may arrive when the process knows better.
    pub fn relies_on(&mut self, leadership: LeadershipId, by: Incarnation, token: u64) {
        if let Some(seen) = self.seen.get(&(by, leadership)) {
            self.relied_on.insert((by, token), *seen);
        }
    }

    /// A process ended another's leadership, having waited its lease out.
    pub fn ends(&mut self, leadership: LeadershipId, by: Incarnation, token: u64) {
        let newest = self.versions.get(&leadership).copied().unwrap_or(-1);
        let unseen = self.relied_on.get(&(by, token)).is_none_or(|seen| *seen < newest);
        if unseen && self.forgotten.contains_key(&leadership) {
            self.wrongly_ended.insert(leadership);
        }
    }

    /// These processes lead at this moment.
    pub fn leading(&self, leaders: &[Leading]) -> Result<(), String> {
        for (index, one) in leaders.iter().enumerate() {
            for other in &leaders[index + 1..] {
                if !self.excused(one, other) && !self.excused(other, one) {
                    return Err(format!("two leaders: {one:?} and {other:?}"));
                }
            }
        }
        Ok(())
    }

    /// Whether `old` is a leadership that the database forgot in the version it rests on, and `new` had not seen that
    /// version: "a node that did not can be wrong until the forgotten leader's next renewal".
    fn excused(&self, old: &Leading, new: &Leading) -> bool {
        let versions = self.forgotten.get(&old.key());
        if self.wrongly_ended.contains(&old.key()) {
            return true;
        }
        let forgot = versions.is_some_and(|versions| {
            versions.iter().any(|(kept, had)| (kept.saturating_add(1)..=*had).contains(&old.rests_on))
        });
        forgot && self.seen.get(&(new.incarnation, old.key())).is_none_or(|seen| *seen < old.rests_on)
    }
}
