use super::*;
use crate::fixtures::{Fixture, G, at, leader, leadership, ms, number, process, row, snapshot, term};
use crate::snapshot::{EndReason, NodeRow, TermRow};

/// What node `b` has seen after these snapshots.
fn after<const N: usize>(snapshots: [(u64, Fixture); N]) -> Leases {
    let mut seen = Leases::default();
    for (now, view) in snapshots {
        seen.observe(at(now), &view.into(), process("b"), &Rules::SAFE);
    }
    seen
}

fn led(seq: i64) -> Fixture {
    snapshot().open(1, "a").node(leader("a", 1, seq))
}

/// When the lease in force at that time expires.
fn expires(seen: &Leases, now: u64) -> Option<Time> {
    seen.in_force(at(now)).map(|seen| seen.expires)
}

#[test]
fn a_lease_runs_from_when_its_newest_version_was_first_seen() {
    for (snapshots, ends) in [
        ([(0, led(7)), (100, led(7))], G),
        ([(0, led(7)), (100, led(8))], 100 + G),
        ([(0, led(8)), (100, led(7))], 100 + G),
        ([(0, led(7)), (100, snapshot().open(1, "a"))], 100 + G),
        ([(0, snapshot().open(1, "a")), (100, snapshot().open(1, "a"))], G),
    ] {
        let seen = after(snapshots);
        assert_eq!(expires(&seen, ends - 1), Some(at(ends)));
        assert_eq!(expires(&seen, ends), None);
    }
}

#[test]
fn a_row_counts_only_if_it_agrees_with_the_term() {
    let other = NodeRow { incarnation: process("z"), ..leader("a", 1, 8) };
    for row in [leader("a", 2, 8), NodeRow { term: number(1), ..row("a", 8) }, other] {
        let seen = after([(0, snapshot().open(1, "a").node(row))]);
        let open = seen.0.iter().find(|seen| seen.leadership == leadership(1, "a")).unwrap();
        assert_eq!(open.version, None);
    }
}

#[test]
fn the_lease_duration_is_the_terms_own_or_else_the_rows() {
    let long = TermRow { lease_duration: ms(9000), ..term(1, "a") };
    let seen = after([(0, snapshot().term(long).node(leader("a", 1, 7)))]);
    assert_eq!(expires(&seen, 0), Some(at(9000)));
    let orphan = NodeRow { lease_duration: ms(8000), ..leader("a", 1, 7) };
    assert_eq!(expires(&after([(0, snapshot().node(orphan))]), 0), Some(at(8000)));
}

#[test]
fn a_shorter_lease_duration_shortens_no_lease() {
    let long = TermRow { lease_duration: ms(9000), ..term(1, "a") };
    let seen = after([(0, snapshot().term(long).node(leader("a", 1, 7))), (100, led(8))]);
    assert_eq!(expires(&seen, 100), Some(at(9000)));
}

#[test]
fn a_lease_however_long_overflows_nothing() {
    let endless = TermRow { lease_duration: Duration::MAX, ..term(1, "a") };
    assert!(expires(&after([(1, snapshot().term(endless))]), u64::MAX).is_some());
}

#[test]
fn only_its_own_terms_row_ends_a_lease() {
    let other = TermRow { end_reason: Some(EndReason::Resigned), ..term(1, "c") };
    for (rows, in_force) in [
        (snapshot().ended(1, "a", EndReason::Expired), false),
        (snapshot().ended(2, "a", EndReason::Expired), true),
        (snapshot().term(other), true),
        (snapshot(), true),
        // The row still has the status leader: its node may not know that the term ended.
        (snapshot().ended(1, "a", EndReason::Expired).node(leader("a", 1, 7)), true),
    ] {
        let seen = after([(0, led(7)), (100, rows)]);
        assert_eq!(expires(&seen, 100).is_some(), in_force);
    }
}

#[test]
fn an_expired_lease_that_is_still_there_does_not_begin_again() {
    let seen = after([(0, led(7)), (5000, led(7)), (6000, led(7))]);
    assert_eq!(expires(&seen, 6000), None);
    assert_eq!(seen.terms(), [number(1)]);
}

#[test]
fn an_expired_lease_that_is_gone_is_forgotten() {
    for now in [G, 5000] {
        let seen = after([(0, led(7)), (now, snapshot())]);
        assert_eq!(seen, Leases::default());
    }
}

#[test]
fn its_own_leaderships_are_not_observed() {
    let seen = after([(0, snapshot().open(1, "b").node(leader("b", 1, 7)))]);
    assert_eq!(seen, Leases::default());
}

#[test]
fn a_second_version_is_a_renewal_and_a_vanished_row_is_none() {
    for (snapshots, renewed) in [
        ([(0, led(7)), (1, led(7))], false),
        ([(0, led(7)), (1, led(8))], true),
        ([(0, led(7)), (1, snapshot().open(1, "a"))], false),
        ([(0, snapshot().open(1, "a")), (1, led(7))], false),
    ] {
        assert_eq!(after(snapshots).in_force(at(1)).unwrap().renewed, renewed);
    }
}

#[test]
fn where_the_rule_is_broken_the_vanishing_of_a_row_is_no_new_version() {
    let broken = Rules { vanishing: Vanishing::Ignored, ..Rules::SAFE };
    for (rules, expected) in [(Rules::SAFE, 100 + G), (broken, G)] {
        let mut seen = Leases::default();
        seen.observe(at(0), &led(7).into(), process("b"), &rules);
        seen.observe(at(100), &snapshot().open(1, "a").into(), process("b"), &rules);
        assert_eq!(expires(&seen, 100), Some(at(expected)));
    }
}
