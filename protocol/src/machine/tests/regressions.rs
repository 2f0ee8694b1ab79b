//! Bugs that the simulation found, each as the smallest case that shows it. T is 3 H here, G 2 H.

use super::*;

fn joined() -> Harness {
    Harness::joined_with(Timing::new(ms(H), ms(3 * H), ms(6 * H), 0.1).unwrap())
}

/// `a` leads term 1, for a lease of 2 H.
fn led_by_a() -> Snapshot {
    let lease_duration = ms(2 * H);
    let term = TermRow { lease_duration, ..term(1, "a") };
    snapshot().term(term).node(NodeRow { lease_duration, ..leader("a", 1, 5) }).node(row("b", 0)).into()
}

/// `a` is the better node and a follower; its term has ended.
fn vacant() -> Snapshot {
    snapshot().ended(1, "a", EndReason::Lapsed).node(row("a", 5)).node(row("b", 0)).into()
}

#[test]
fn a_leader_whose_lease_was_waited_out_is_not_waited_for_again() {
    let mut b = joined();
    b.observe(0, led_by_a());
    b.run_until(1950, |_| led_by_a());
    assert_eq!(b.under_way(), None, "its lease is in force");
    b.run_until(2100, |_| led_by_a());
    b.claims_within(2000, 2100);
}

#[test]
fn a_better_node_whose_clock_is_slower_is_not_skipped() {
    let mut b = joined();
    b.observe(0, vacant());
    // Within the drift setting, one second of this node's clock is up to 1.1 s of the other's: its next heartbeat is
    // not late.
    b.run_until(1150, |_| vacant());
    assert_eq!(b.under_way(), None);
    b.run_until(1550, |_| vacant());
    b.claims_within(1150, 1550);
}

#[test]
fn no_two_claims_begin_in_the_same_version() {
    let alone = || Snapshot::from(snapshot().node(row("b", 0)));
    let mut b = joined();
    b.observe(0, alone());
    let first = b.claim().seq_floor;
    // The reply is lost, and the database forgets the claim.
    b.tick(H);
    b.machine.agenda.give_up();
    b.run_until(10 * H, |_| alone());
    let second = b.claim().seq_floor;
    assert!(second > first, "{first} and {second}");
}
