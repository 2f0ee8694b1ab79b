use super::*;

/// `a` leads term 1 in this version.
fn led(seq: i64) -> Snapshot {
    snapshot().open(1, "a").node(leader("a", 1, seq)).node(row("b", 0)).into()
}

fn expires(b: &Harness, now: u64) -> Option<Time> {
    b.outlook(now).leader.map(|leader| leader.expires)
}

#[test]
fn a_follower_publishes_which_leader_it_follows() {
    let b = Harness::following();
    let outlook = b.outlook(0);
    assert_eq!((outlook.role, outlook.highest_term), (Role::Follower, number(1)));
    let leader = outlook.leader.unwrap();
    assert_eq!((leader.id.as_str(), leader.leadership), ("a", leadership(1, "a")));
    assert_eq!((leader.seen_at, leader.expires), (at(0), at(G)));
    assert_eq!(outlook.next_leader.as_deref(), Some("b"));
    assert!(b.outlook(G - 1).leader.is_some());
    assert_eq!(b.outlook(G).leader, None);
}

#[test]
fn a_follower_heartbeats_every_interval_and_observes_after_each() {
    let mut b = Harness::following();
    assert_eq!(b.tick(H - 1), NOTHING);
    assert_eq!(b.tick(H), [b.step(heartbeat(0), 500)]);
    assert_eq!(b.reply(1003, ack(1)), [b.step(observe(&[1]), 500)]);
    assert_eq!(b.observe(1004, led(8)), NOTHING);
    // One interval after the last one was sent.
    assert_eq!(b.machine.due(), Some(at(2 * H)));
    assert_eq!(b.tick(2 * H), [b.step(heartbeat(1), 500)]);
}

#[test]
fn a_heartbeat_that_finds_no_row_leads_to_a_snapshot() {
    let mut b = Harness::following();
    b.tick(H);
    assert_eq!(b.reply(1003, Reply::HeartbeatAck { seq: None }), [b.step(observe(&[1]), 500)]);
    assert_eq!(b.observe(1004, led(8)), NOTHING);
    assert_eq!(b.machine.due(), Some(at(2 * H)));
}

#[test]
fn a_failed_heartbeat_is_tried_again_less_and_less_often() {
    let mut b = Harness::following();
    let mut now = H;
    for (failed, longest) in [100, 200, 400].into_iter().enumerate() {
        assert_eq!(b.tick(now), [b.step(heartbeat(i64::try_from(failed).unwrap()), 500)]);
        assert_eq!(b.fail(now), NOTHING);
        now = b.due_within(now + longest / 2, now + longest);
    }
}

#[test]
fn no_heartbeat_repeats_a_version_that_an_earlier_one_may_have_written() {
    let mut b = Harness::following();
    b.tick(H);
    b.fail(H);
    // It may have been written: the next one is higher.
    b.tick(1100);
    assert_eq!(b.under_way(), Some(&heartbeat(1)));
    b.reply(1100, ack(2));
    // The database forgot both.
    b.observe(1100, snapshot().open(1, "a").node(leader("a", 1, 8)).node(row("b", 0)));
    b.tick(2100);
    assert_eq!(b.under_way(), Some(&heartbeat(2)));
    // Somebody set it higher.
    b.reply(2100, ack(50));
    b.observe(2100, snapshot().open(1, "a").node(leader("a", 1, 9)).node(row("b", 60)));
    b.tick(3100);
    assert_eq!(b.under_way(), Some(&heartbeat(60)));
}

#[test]
fn a_reply_to_another_step_is_ignored() {
    let mut b = Harness::following();
    b.tick(H);
    let before = b.machine.clone();
    for token in [0, b.token - 1, b.token + 1] {
        assert_eq!(b.handle(H, Event::Reply { token, reply: Some(ack(1)) }), NOTHING);
        assert_eq!(b.machine, before);
    }
    // A step's reply does not count twice.
    b.reply(H, ack(1));
    let (token, before) = (b.token, b.machine.clone());
    assert_eq!(b.handle(H, Event::Reply { token: token - 1, reply: None }), NOTHING);
    assert_eq!(b.machine, before);
}

#[test]
fn a_reply_after_its_limit_is_ignored() {
    let mut b = Harness::following();
    b.tick(H);
    // This counts as a failure, although it brings a row.
    assert_eq!(b.reply(1500, ack(1)), NOTHING);
    let now = b.due_within(1550, 1600);
    assert_eq!(b.tick(now), [b.step(heartbeat(1), 500)]);
}

#[test]
fn a_snapshot_from_before_a_pause_is_ignored() {
    let mut b = Harness::following();
    b.tick(H);
    b.reply(H, ack(1));
    // The process was paused for longer than the lease while the snapshot was on its way.
    b.observe(3600, led(8));
    assert_eq!(expires(&b, 3600), None);
    assert!(!matches!(b.under_way(), Some(Request::Claim(_))));
}

#[test]
fn a_lease_runs_for_the_terms_own_g_from_the_reply() {
    let mut b = Harness::joined();
    let long = TermRow { lease_duration: ms(7000), ..term(1, "a") };
    b.observe(20, snapshot().term(long).node(leader("a", 1, 7)).node(row("b", 0)));
    assert_eq!(expires(&b, 20), Some(at(20 + 7000)));
}

#[test]
fn only_a_new_version_makes_a_lease_run_longer() {
    let mut b = Harness::following();
    b.without_heartbeats_until(9 * H);
    b.observe_now(H, led(7));
    assert_eq!(expires(&b, H), Some(at(G)));
    b.observe_now(2 * H, led(8));
    assert_eq!(expires(&b, 2 * H), Some(at(2 * H + G)));
    // A database that forgot some renewals shows an older one: that counts as new, too.
    b.observe_now(3 * H, led(6));
    assert_eq!(expires(&b, 3 * H), Some(at(3 * H + G)));
}

#[test]
fn a_leaders_row_that_has_vanished_counts_as_a_new_version() {
    let mut b = Harness::following();
    let vanished: Snapshot = snapshot().open(1, "a").node(row("b", 0)).into();
    b.heartbeat_and_observe(H, vanished.clone());
    assert_eq!(expires(&b, H), Some(at(H + G)));
    b.heartbeat_and_observe(2 * H, vanished);
    assert_eq!(expires(&b, 2 * H), Some(at(H + G)));
}

#[test]
fn a_lease_ends_early_by_its_own_terms_row() {
    let mut b = Harness::following();
    b.wake(10);
    b.observe(11, snapshot().ended(1, "a", EndReason::Resigned).node(row("b", 0)));
    assert!(matches!(b.under_way(), Some(Request::Claim(_))));
    let ended = b.outlook(11).last_end;
    assert_eq!(ended, Some(ended_term(1, "a", EndReason::Resigned)));
}

#[test]
fn a_lease_does_not_end_by_another_leaderships_row() {
    // The database forgot term 1, and gave its number to another leadership.
    let other = TermRow { end_reason: Some(EndReason::Resigned), ..term(1, "c") };
    for rows in [snapshot().ended(2, "c", EndReason::Resigned), snapshot().term(other), snapshot()] {
        let mut b = Harness::following();
        b.wake(10);
        b.observe(11, rows.node(row("b", 0)));
        assert_eq!(expires(&b, 11), Some(at(G)));
        assert_eq!(b.outlook(11).role, Role::Follower);
        // Its row is read until then.
        b.tick(H);
        assert_eq!(b.reply(H, ack(1)), [b.step(observe(&[1]), 500)]);
    }
}

#[test]
fn a_forgotten_term_is_waited_for_and_its_number_is_not_used_again() {
    let mut b = Harness::following();
    let forgotten: Snapshot = snapshot().node(row("b", 0)).into();
    b.run_until(G, |_| forgotten.clone());
    assert_eq!(b.outlook(G - 1).role, Role::Follower);
    assert_eq!(b.machine.due(), Some(at(G)));
    b.tick(G);
    b.observe(G, forgotten);
    let claim = b.claim();
    assert_eq!((claim.min_term, &claim.incumbent), (number(1), &Incumbent::default()));
}

#[test]
fn of_two_leases_the_one_that_runs_longer_is_waited_for() {
    // The database forgot term 3, whose leader is silent, and `c` leads term 2.
    let mut b = Harness::joined();
    b.observe(0, snapshot().open(3, "a").node(leader("a", 3, 7)).node(row("b", 0)));
    let older = TermRow { lease_duration: ms(500), ..term(2, "c") };
    b.heartbeat_and_observe(H, snapshot().term(older).node(leader("c", 2, 4)).node(row("b", 0)));
    assert_eq!(b.outlook(H).leader.unwrap().leadership, leadership(3, "a"));
    assert_eq!(expires(&b, H), Some(at(G)));
}

#[test]
fn a_row_with_status_leader_without_an_open_term_is_waited_for() {
    let mut b = Harness::joined();
    let orphan: Snapshot = snapshot().node(leader("a", 4, 7)).node(row("b", 0)).into();
    b.observe(0, orphan.clone());
    assert_eq!(expires(&b, 0), Some(at(G)));
    b.run_until(G, |_| orphan.clone());
    b.tick(G);
    b.observe(G, orphan.clone());
    let claim = b.claim();
    assert_eq!((claim.min_term, &claim.incumbent), (number(4), &orphan.incumbent()));
}

#[test]
fn a_follower_observes_when_the_lease_runs_out() {
    let mut b = Harness::following();
    b.run_until(G, |_| led(7));
    assert_eq!(b.machine.due(), Some(at(G)));
    assert_eq!(b.tick(G), [b.step(observe(&[1]), 500)]);
    // The lease was renewed at the last moment.
    assert_eq!(b.observe(G, led(8)), NOTHING);
    assert_eq!(expires(&b, G), Some(at(2 * G)));
}

#[test]
fn the_next_leader_observes_at_once_when_woken() {
    let mut b = Harness::following();
    assert_eq!(b.wake(10), [b.step(observe(&[1]), 500)]);
}

#[test]
fn the_others_observe_within_a_moment_of_being_woken() {
    let mut b = Harness::joined();
    b.observe(0, snapshot().open(1, "c").node(leader("c", 1, 7)).node(row("a", 3)).node(row("b", 0)));
    assert_eq!(b.outlook(0).next_leader.as_deref(), Some("a"));
    b.wake(10);
    let now = b.due_within(10, 10 + H / 50);
    b.tick(now);
    assert_eq!(b.under_way(), Some(&observe(&[1])));
}

#[test]
fn a_wake_up_during_a_read_leads_to_another() {
    let mut b = Harness::following();
    b.wake(10);
    assert_eq!(b.wake(11), NOTHING);
    assert_eq!(b.observe(12, led(7)), [b.step(observe(&[1]), 500)]);
    assert_eq!(b.observe(13, led(7)), NOTHING);
}

#[test]
fn a_wake_up_does_not_shorten_the_wait_after_a_failure() {
    let mut b = Harness::following();
    b.wake(10);
    b.fail(10);
    assert_eq!(b.wake(11), NOTHING);
    let now = b.due_within(60, 110);
    assert_eq!(b.tick(now), [b.step(observe(&[1]), 500)]);
}

#[test]
fn a_heartbeat_that_is_due_is_sent_before_a_read() {
    let mut b = Harness::following();
    b.wake(H - 1);
    // The read hangs until its limit.
    assert_eq!(b.tick(H), NOTHING);
    b.tick(1499);
    assert_eq!(b.under_way(), Some(&heartbeat(0)));
}

#[test]
fn a_follower_whose_row_is_another_processs_ends() {
    let mut b = Harness::following();
    b.tick(H);
    b.reply(H, Reply::HeartbeatAck { seq: None });
    let other = NodeRow { incarnation: Incarnation(99), ..row("b", 1) };
    let taken = snapshot().open(1, "a").node(leader("a", 1, 8)).node(other);
    assert_eq!(b.observe(1001, taken), [Command::End(Outcome::Replaced)]);
    assert_eq!(b.tick(5000), NOTHING);
    assert_eq!(b.stop(5000), NOTHING);
}
