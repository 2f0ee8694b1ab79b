//! Other nodes' leases, as this node has observed them, and when they end.
//!
//! A lease is expected to expire G after this node first saw its newest version, by this node's own clock, counted
//! from when the *reply* arrived. The leader counts its shorter L from before it *sent* the renewal. So E is never
//! before the leader's own deadline (Gray and Cheriton, "Leases", 1989, section 2). No wall clock is involved.

use std::time::Duration;

use super::rules::{Rules, Vanishing};
use super::snapshot::Snapshot;
use super::term::{HeartbeatSeq, Incarnation, LeadershipId, Term};
use super::time::Time;

/// A lease that this node has seen and that its term's row has not ended.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ObservedLease {
    /// Which leadership.
    pub leadership: LeadershipId,
    /// Whose.
    pub leader_id: String,
    /// The leader's heartbeat counter. None if its row is gone or does not agree with the term.
    pub version: Option<HeartbeatSeq>,
    /// When this version was first seen.
    pub seen_at: Time,
    /// E: when the lease counts as expired.
    pub expires: Time,
    /// Whether a renewal was seen: a second version of the same leadership.
    pub renewed: bool,
}

/// All such leases. There is more than one only if a database forgot a term.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Leases(Vec<ObservedLease>);

/// A leadership that a snapshot shows.
struct Shown<'a> {
    leadership: LeadershipId,
    leader_id: &'a str,
    version: Option<HeartbeatSeq>,
    length: Duration,
}

impl Leases {
    /// A snapshot arrived at `now`. Ignores leaderships of `own`: a process knows whether it leads.
    pub fn observe(&mut self, now: Time, snapshot: &Snapshot, own: Incarnation, rules: &Rules) {
        let shown = Self::shown(snapshot, own);
        for shown in &shown {
            let expires = now + rules.lease_length(shown.length);
            match self.0.iter_mut().find(|seen| seen.leadership == shown.leadership) {
                Some(seen) if seen.version == shown.version => {}
                Some(_) if shown.version.is_none() && rules.vanishing == Vanishing::Ignored => {}
                Some(seen) => {
                    seen.renewed |= seen.version.is_some() && shown.version.is_some();
                    seen.version = shown.version;
                    seen.seen_at = now;
                    seen.expires = seen.expires.max(expires);
                }
                None => self.0.push(ObservedLease {
                    leadership: shown.leadership,
                    leader_id: shown.leader_id.to_owned(),
                    version: shown.version,
                    seen_at: now,
                    expires,
                    renewed: false,
                }),
            }
        }
        self.0.retain(|seen| {
            // Only its own term's row ends a leadership early. While a row still has the status leader, its lease is
            // waited for.
            let still_leader = snapshot.leading_row().is_some_and(|row| row.leadership() == seen.leadership);
            let ended = snapshot
                .terms
                .iter()
                .any(|term| term.leadership() == seen.leadership && term.end_reason.is_some());
            if ended && !still_leader {
                return false;
            }
            // An expired lease is kept while the snapshot still shows it. If it were forgotten, it would count as
            // new.
            now < seen.expires || shown.iter().any(|shown| shown.leadership == seen.leadership)
        });
    }

    /// The open term, and a row with the status leader that does not agree with it.
    fn shown(snapshot: &Snapshot, own: Incarnation) -> Vec<Shown<'_>> {
        let open = snapshot.open_term().map(|term| Shown {
            leadership: term.leadership(),
            leader_id: &term.leader_id,
            version: snapshot.leader().map(|row| row.heartbeat_seq),
            length: term.lease_duration,
        });
        let orphan_row = snapshot
            .leading_row()
            .filter(|row| snapshot.open_term().map(|term| term.leadership()) != Some(row.leadership()));
        let orphan_row = orphan_row.map(|row| Shown {
            leadership: row.leadership(),
            leader_id: &row.id,
            version: Some(row.heartbeat_seq),
            length: row.lease_duration,
        });
        open.into_iter().chain(orphan_row).filter(|shown| shown.leadership.incarnation != own).collect()
    }

    /// The lease in force at `now` that expires last.
    pub fn in_force(&self, now: Time) -> Option<&ObservedLease> {
        self.0.iter().filter(|seen| now < seen.expires).max_by_key(|seen| seen.expires)
    }

    /// The terms whose rows the next snapshot must show.
    pub fn terms(&self) -> Vec<Term> {
        self.0.iter().map(|seen| seen.leadership.term).collect()
    }
}

#[cfg(test)]
mod tests;
