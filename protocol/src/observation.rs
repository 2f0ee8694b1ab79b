//! Other nodes' leases, as this node has seen them.
//!
//! A lease is taken to expire G after this node first saw its newest version, by this node's own clock, counted
//! from when the *reply* arrived. The leader counts its shorter L from before it *sent* the renewal, so E is
//! never before the leader's own deadline (Gray and Cheriton, "Leases", 1989, section 2; no wall clock is in it).

use std::time::Duration;

use super::mutation::{self, Mutation};
use super::snapshot::Snapshot;
use super::term::{HeartbeatSeq, Incarnation, LeadershipId, Term};
use super::time::Time;

/// A lease this node has seen and that its term's row has not declared over.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Observation {
    /// Which leadership.
    pub leadership: LeadershipId,
    /// Whose.
    pub leader_id: String,
    /// The leader's heartbeat counter; none where its row is gone or does not agree with the term.
    pub version: Option<HeartbeatSeq>,
    /// When this version was first seen.
    pub seen_at: Time,
    /// E: when the lease is taken to have run out.
    pub expires: Time,
    /// Whether a renewal was seen: a second version of the same leadership.
    pub renewed: bool,
}

/// All such leases. More than one only where a database forgot a term.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Observations(Vec<Observation>);

struct Sighting<'a> {
    leadership: LeadershipId,
    leader_id: &'a str,
    version: Option<HeartbeatSeq>,
    grant: Duration,
}

impl Observations {
    /// Takes in a look whose reply arrived at `now`. Leaderships of `own` are not observed: a process knows
    /// whether it leads.
    pub fn observe(&mut self, now: Time, view: &Snapshot, own: Incarnation, own_grant: Duration) {
        let mut sightings = Self::sightings(view, own);
        if mutation::broken(Mutation::OwnSettings) {
            sightings.iter_mut().for_each(|sighting| sighting.grant = own_grant);
        }
        for sighting in &sightings {
            match self.0.iter_mut().find(|seen| seen.leadership == sighting.leadership) {
                Some(seen) if seen.version == sighting.version => {}
                Some(_) if sighting.version.is_none() && mutation::broken(Mutation::VanishingIgnored) => {}
                Some(seen) => {
                    seen.renewed |= seen.version.is_some() && sighting.version.is_some();
                    seen.version = sighting.version;
                    seen.seen_at = now;
                    seen.expires = seen.expires.max(now + sighting.grant);
                }
                None => self.0.push(Observation {
                    leadership: sighting.leadership,
                    leader_id: sighting.leader_id.to_owned(),
                    version: sighting.version,
                    seen_at: now,
                    expires: now + sighting.grant,
                    renewed: false,
                }),
            }
        }
        self.0.retain(|seen| {
            // A leadership ends early only by its own term's row; a row that still says leader is waited for.
            let says_leader = view.leading_row().is_some_and(|row| row.leadership() == seen.leadership);
            let ended = view
                .terms
                .iter()
                .any(|term| term.leadership() == seen.leadership && term.end_reason.is_some());
            if ended && !says_leader {
                return false;
            }
            // An expired one is kept while it is still there: forgetting it would make it new again.
            now < seen.expires || sightings.iter().any(|sighting| sighting.leadership == seen.leadership)
        });
    }

    fn sightings(view: &Snapshot, own: Incarnation) -> Vec<Sighting<'_>> {
        let open = view.open_term().map(|term| Sighting {
            leadership: term.leadership(),
            leader_id: &term.leader_id,
            version: view.leader().map(|row| row.heartbeat_seq),
            grant: term.lease_duration,
        });
        let stray = view
            .leading_row()
            .filter(|row| view.open_term().map(|term| term.leadership()) != Some(row.leadership()));
        let stray = stray.map(|row| Sighting {
            leadership: row.leadership(),
            leader_id: &row.id,
            version: Some(row.heartbeat_seq),
            grant: row.lease_duration,
        });
        open.into_iter().chain(stray).filter(|sighting| sighting.leadership.incarnation != own).collect()
    }

    /// The lease in force at `now` that expires last.
    pub fn in_force(&self, now: Time) -> Option<&Observation> {
        self.0.iter().filter(|seen| now < seen.expires).max_by_key(|seen| seen.expires)
    }

    /// The terms whose rows the next look must bring.
    pub fn terms(&self) -> Vec<Term> {
        self.0.iter().map(|seen| seen.leadership.term).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Fixture, G, at, leader, leadership, ms, number, process, row, term, view};
    use super::super::snapshot::{EndReason, NodeRow, TermRow};
    use super::*;

    /// What node `b` has seen after these looks.
    fn after<const N: usize>(looks: [(u64, Fixture); N]) -> Observations {
        let mut seen = Observations::default();
        for (now, view) in looks {
            seen.observe(at(now), &view.into(), process("b"), ms(G));
        }
        seen
    }

    fn led(seq: i64) -> Fixture {
        view().open(1, "a").node(leader("a", 1, seq))
    }

    /// When the lease in force at that time expires.
    fn expires(seen: &Observations, now: u64) -> Option<Time> {
        seen.in_force(at(now)).map(|seen| seen.expires)
    }

    #[test]
    fn a_lease_runs_from_when_its_newest_version_was_first_seen() {
        for (looks, ends) in [
            ([(0, led(7)), (100, led(7))], G),
            ([(0, led(7)), (100, led(8))], 100 + G),
            ([(0, led(8)), (100, led(7))], 100 + G),
            ([(0, led(7)), (100, view().open(1, "a"))], 100 + G),
            ([(0, view().open(1, "a")), (100, view().open(1, "a"))], G),
        ] {
            let seen = after(looks);
            assert_eq!(expires(&seen, ends - 1), Some(at(ends)));
            assert_eq!(expires(&seen, ends), None);
        }
    }

    #[test]
    fn a_row_counts_only_if_it_agrees_with_the_term() {
        let other = NodeRow { incarnation: process("z"), ..leader("a", 1, 8) };
        for row in [leader("a", 2, 8), NodeRow { term: number(1), ..row("a", 8) }, other] {
            let seen = after([(0, view().open(1, "a").node(row))]);
            let open = seen.0.iter().find(|seen| seen.leadership == leadership(1, "a")).unwrap();
            assert_eq!(open.version, None);
        }
    }

    #[test]
    fn the_grant_is_the_terms_own_or_else_the_rows() {
        let long = TermRow { lease_duration: ms(9000), ..term(1, "a") };
        let seen = after([(0, view().term(long).node(leader("a", 1, 7)))]);
        assert_eq!(expires(&seen, 0), Some(at(9000)));
        let stray = NodeRow { lease_duration: ms(8000), ..leader("a", 1, 7) };
        assert_eq!(expires(&after([(0, view().node(stray))]), 0), Some(at(8000)));
    }

    #[test]
    fn a_shorter_grant_shortens_no_lease() {
        let long = TermRow { lease_duration: ms(9000), ..term(1, "a") };
        let seen = after([(0, view().term(long).node(leader("a", 1, 7))), (100, led(8))]);
        assert_eq!(expires(&seen, 100), Some(at(9000)));
    }

    #[test]
    fn a_lease_however_long_overflows_nothing() {
        let endless = TermRow { lease_duration: Duration::MAX, ..term(1, "a") };
        assert!(expires(&after([(1, view().term(endless))]), u64::MAX).is_some());
    }

    #[test]
    fn only_its_own_terms_row_ends_a_lease() {
        let other = TermRow { end_reason: Some(EndReason::Resigned), ..term(1, "c") };
        for (rows, in_force) in [
            (view().ended(1, "a", EndReason::Expired), false),
            (view().ended(2, "a", EndReason::Expired), true),
            (view().term(other), true),
            (view(), true),
            // The row still says leader: it may not know.
            (view().ended(1, "a", EndReason::Expired).node(leader("a", 1, 7)), true),
        ] {
            let seen = after([(0, led(7)), (100, rows)]);
            assert_eq!(expires(&seen, 100).is_some(), in_force);
        }
    }

    #[test]
    fn an_expired_lease_that_is_still_there_does_not_begin_anew() {
        let seen = after([(0, led(7)), (5000, led(7)), (6000, led(7))]);
        assert_eq!(expires(&seen, 6000), None);
        assert_eq!(seen.terms(), [number(1)]);
    }

    #[test]
    fn an_expired_lease_that_is_gone_is_forgotten() {
        let seen = after([(0, led(7)), (5000, view())]);
        assert_eq!(seen, Observations::default());
    }

    #[test]
    fn own_leaderships_are_not_observed() {
        let seen = after([(0, view().open(1, "b").node(leader("b", 1, 7)))]);
        assert_eq!(seen, Observations::default());
    }

    #[test]
    fn a_second_version_is_a_renewal_and_a_vanished_row_is_none() {
        for (looks, renewed) in [
            ([(0, led(7)), (1, led(7))], false),
            ([(0, led(7)), (1, led(8))], true),
            ([(0, led(7)), (1, view().open(1, "a"))], false),
            ([(0, view().open(1, "a")), (1, led(7))], false),
        ] {
            assert_eq!(after(looks).in_force(at(1)).unwrap().renewed, renewed);
        }
    }
}
