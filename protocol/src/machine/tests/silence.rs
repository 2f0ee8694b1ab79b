//! A leader that has not moved for an interval is observed once more.

use super::*;

/// `a` leads term 1 in this version.
fn led(seq: i64) -> Snapshot {
    snapshot().open(1, "a").node(leader("a", 1, seq)).node(row("b", 0)).into()
}

#[test]
fn a_silent_leader_is_noticed_before_its_lease_runs_out() {
    let mut b = Harness::following();
    assert_eq!(b.heartbeat_and_observe(H, led(7)), NOTHING);
    assert_eq!(b.machine.due(), Some(at(1200)));
    assert_eq!(b.tick(1200), [b.step(observe(&[1]), 500)]);
    assert_eq!(b.observe(1200, led(7)), NOTHING);
    assert_eq!(b.outlook(1200).leader.unwrap().seen_at, at(0));
    // Once; then the usual polls.
    assert_eq!(b.machine.due(), Some(at(2 * H)));
    assert_eq!(b.heartbeat_and_observe(2 * H, led(7)), NOTHING);
    assert_eq!(b.machine.due(), Some(at(G)));
}

#[test]
fn the_extra_read_comes_no_later_than_the_expiry() {
    let mut b = Harness::joined();
    let short = |seq| {
        let term = TermRow { lease_duration: ms(1100), ..term(1, "a") };
        snapshot().term(term).node(leader("a", 1, seq)).node(row("b", 0))
    };
    b.observe(0, short(7));
    b.heartbeat_and_observe(H, short(7));
    assert_eq!(b.machine.due(), Some(at(1100)));
}

#[test]
fn a_leader_whose_renewal_is_not_yet_due_is_not_observed_again() {
    for (read_at, again) in [(899, G), (900, 1200)] {
        let mut b = Harness::following();
        b.without_heartbeats_until(9 * H);
        b.observe_now(read_at, led(7));
        assert_eq!(b.machine.due(), Some(at(again)), "{read_at}");
    }
}

#[test]
fn a_node_that_heartbeats_in_phase_with_the_leader_shifts_its_own_heartbeat() {
    let mut b = Harness::following();
    b.heartbeat_and_observe(H, led(7));
    b.tick(1200);
    assert_eq!(b.observe(1200, led(8)), NOTHING);
    assert_eq!(b.machine.due(), Some(at(2 * H + H / 10)));
    // Once.
    b.heartbeat_and_observe(2100, led(9));
    assert_eq!(b.machine.due(), Some(at(3100)));
}

#[test]
fn movement_that_only_a_later_read_finds_shifts_nothing() {
    let mut b = Harness::following();
    b.heartbeat_and_observe(H, led(7));
    b.observe_now(1200, led(7));
    b.heartbeat_and_observe(2 * H, led(8));
    assert_eq!(b.machine.due(), Some(at(3 * H)));
}

#[test]
fn a_wake_up_before_the_extra_read_does_not_replace_it() {
    let mut b = Harness::following();
    b.heartbeat_and_observe(H, led(7));
    b.observe_now(1050, led(7));
    assert_eq!(b.machine.due(), Some(at(1200)));
    b.observe_now(1200, led(8));
    assert_eq!(b.machine.due(), Some(at(2 * H + H / 10)));
}

#[test]
fn a_follower_sends_two_statements_an_interval_whatever_the_phases() {
    for phase in (0..H).step_by(10) {
        let mut b = Harness::following();
        let mut jitter = Jitter::new(phase);
        let mut statements = 0;
        while b.machine.due() < Some(at(60 * H)) {
            let now = millis(b.machine.due().unwrap());
            // The leader's renewals come every interval, give or take 2 %.
            let late = u64::try_from(jitter.between(ms(0), ms(40)).as_millis()).unwrap();
            let renewals = (now + H - late.min(now) - phase) / H;
            statements += b.tick(now).len();
            let reply = match b.under_way() {
                Some(Request::Heartbeat { .. }) => b.heartbeat_ack(),
                Some(Request::Observe { .. }) => Reply::Snapshot(led(renewals.try_into().unwrap())),
                other => panic!("{other:?}"),
            };
            statements += b.reply(now, reply).len();
            if b.under_way().is_some() {
                b.observe(now, led(renewals.try_into().unwrap()));
            }
        }
        assert!(statements <= 2 * 60 + 4, "{statements} statements at phase {phase}");
    }
}
