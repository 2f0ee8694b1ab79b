use super::*;

/// `b` leads term 1, in this version.
fn led(seq: i64) -> Snapshot {
    snapshot().open(1, "b").node(leader("b", 1, seq)).node(row("c", 3)).into()
}

/// `b` when its lease has run out, all of its renewals having failed.
fn lapsed() -> Harness {
    let mut b = Harness::leading();
    b.tick(L);
    b
}

#[test]
fn a_leader_renews_every_interval_and_observes_after_each() {
    let mut b = Harness::leading();
    assert_eq!(b.machine.due(), Some(at(H)));
    assert_eq!(b.tick(H), [b.step(renew(1, 1), 500)]);
    assert_eq!(b.reply(1003, ack(2)), [b.step(observe(&[]), 500)]);
    b.without_cleanup_until(9 * H);
    assert_eq!(b.observe(1004, led(1)), NOTHING);
    assert_eq!(b.outlook(1004).next_leader.as_deref(), Some("c"));
    assert_eq!(b.machine.due(), Some(at(2 * H)));
    assert_eq!(b.tick(2 * H), [b.step(renew(1, 2), 500)]);
}

#[test]
fn a_renewal_extends_the_lease_from_when_it_was_sent() {
    let mut b = Harness::leading();
    b.tick(H);
    b.reply(1400, ack(1));
    assert_eq!(b.deadline(), Some(at(H + L)));
    assert_eq!(b.outlook(H + L - 1).role, Role::Leader);
    assert_eq!(b.outlook(H + L).role, Role::Follower);
}

#[test]
fn a_renewal_that_came_back_after_its_limit_renews_nothing() {
    let mut b = Harness::leading();
    b.tick(H);
    let token = b.token;
    b.tick(1500);
    let late = Event::Reply { token, reply: Some(ack(1)) };
    assert_eq!(b.handle(1510, late), NOTHING);
    assert_eq!(b.deadline(), Some(at(L)));
}

#[test]
fn a_renewal_that_came_back_after_the_deadline_renews_nothing() {
    let mut b = Harness::leading();
    b.tick(1900);
    assert_eq!(b.under_way(), Some(&renew(1, 1)));
    // A pause: the renewal was sent before the deadline and succeeded, but its reply is seen only now.
    assert_eq!(
        b.reply(L, ack(1)),
        [lost(1, LossReason::Lapsed), b.step(end_term(1, EndReason::Lapsed), 500)]
    );
}

#[test]
fn a_lease_runs_out_by_the_clock_alone() {
    let mut b = Harness::leading();
    assert_eq!(b.outlook(L).role, Role::Follower);
    assert_eq!(b.tick(L), [lost(1, LossReason::Lapsed), b.step(end_term(1, EndReason::Lapsed), 500)]);
    assert_eq!(b.machine.lease(), None);
}

#[test]
fn the_machine_wants_to_be_called_at_the_deadline_whatever_is_under_way() {
    let mut b = Harness::leading();
    b.tick(1900);
    b.due_within(L, L);
}

#[test]
fn a_failed_renewal_is_tried_again_quickly() {
    let mut b = Harness::leading();
    let mut now = H;
    for floor in 1..6 {
        assert_eq!(b.tick(now), [b.step(renew(1, floor), 500)]);
        assert_eq!(b.fail(now), NOTHING);
        now = b.due_within(now + H / 20, now + H / 10);
    }
}

#[test]
fn a_renewal_takes_no_longer_than_the_lease() {
    let mut b = Harness::leading();
    assert_eq!(b.tick(1700), [b.step(renew(1, 1), 300)]);
}

#[test]
fn after_a_lapse_the_term_is_ended_before_anything_else() {
    let mut b = lapsed();
    let mut now = L;
    for longest in [100, 200, 400] {
        assert_eq!(b.fail(now), NOTHING);
        now = b.due_within(now + longest / 2, now + longest);
        assert_eq!(b.tick(now), [b.step(end_term(1, EndReason::Lapsed), 500)]);
    }
    assert_eq!(b.reply(now, Reply::TermEnded), [b.step(heartbeat(1), 500)]);
    assert_eq!(b.reply(now, ack(1)), [b.step(observe(&[]), 500)]);
}

#[test]
fn after_a_lapse_a_node_backs_off_before_it_campaigns() {
    let mut b = lapsed();
    b.reply(L, Reply::TermEnded);
    b.run_until(9 * H, |_| snapshot().ended(1, "b", EndReason::Lapsed).node(row("b", 1)).into());
    b.claims_within(L + H, L + 2 * H);
}

#[test]
fn a_renewal_ends_the_backing_off() {
    let mut b = Harness::joined();
    let alone: Snapshot = snapshot().node(row("b", 0)).into();
    b.observe(0, alone.clone());
    // Two claims get no answer. The node backs off longer each time.
    for _ in 0..2 {
        let failed = b.sent();
        b.fail(failed);
        b.run_until(99 * H, |_| alone.clone());
    }
    let now = b.sent();
    b.reply(now, claimed(1));
    b.machine.agenda.poll_no_more();
    b.tick(now + H);
    b.reply(now + H, ack(9));
    let lapsed = now + H + L;
    b.tick(lapsed);
    b.reply(lapsed, Reply::TermEnded);
    b.run_until(99 * H, |_| snapshot().ended(1, "b", EndReason::Lapsed).node(row("b", 1)).into());
    b.claims_within(lapsed + H, lapsed + 2 * H);
}

#[test]
fn a_renewal_that_finds_no_row_leads_to_a_snapshot_and_then_to_another_renewal() {
    let mut b = Harness::leading();
    b.tick(H);
    assert_eq!(b.reply(1003, Reply::HeartbeatAck { seq: None }), [b.step(observe(&[]), H / 4)]);
    // The lease stays in force until it is known to be over, or has run out.
    assert_eq!(b.deadline(), Some(at(L)));
    b.without_cleanup_until(9 * H);
    assert_eq!(b.observe(1004, led(0)), NOTHING);
    assert_eq!(b.machine.due(), Some(at(1003 + H / 4)));
    assert_eq!(b.tick(1003 + H / 4), [b.step(renew(1, 2), 500)]);
}

#[test]
fn a_leader_whose_term_was_ended_steps_down_at_once() {
    let orphan = snapshot().ended(1, "b", EndReason::Expired).node(leader("b", 1, 1));
    let demoted = snapshot().open(1, "b").node(row("b", 1));
    let succeeded = snapshot().open(2, "c").node(row("b", 1)).node(leader("c", 2, 3));
    for rows in [orphan, demoted, succeeded] {
        let mut b = Harness::leading();
        b.tick(H);
        b.reply(H, Reply::HeartbeatAck { seq: None });
        assert_eq!(
            b.observe(1001, rows),
            [lost(1, LossReason::Deposed), b.step(end_term(1, EndReason::Lapsed), 500)]
        );
        assert_eq!(b.machine.lease(), None);
    }
}

#[test]
fn a_leader_whose_row_was_deleted_steps_down_registers_again_and_ends_its_term() {
    let mut b = Harness::leading();
    b.tick(H);
    b.reply(H, Reply::HeartbeatAck { seq: None });
    assert_eq!(
        b.observe(1001, snapshot().open(1, "b")),
        [lost(1, LossReason::Deposed), b.step(register(None), 500)]
    );
    assert_eq!(
        b.reply(1002, registered(0)),
        [
            announce(Change::Joined { taken_over: false, again: true }),
            b.step(end_term(1, EndReason::Lapsed), 500)
        ]
    );
}

#[test]
fn a_leader_whose_row_is_another_processs_ends_its_term_and_itself() {
    let mut b = Harness::leading();
    b.tick(H);
    b.reply(H, Reply::HeartbeatAck { seq: None });
    let other = NodeRow { incarnation: Incarnation(99), ..row("b", 2) };
    assert_eq!(
        b.observe(1001, snapshot().open(1, "b").node(other)),
        [lost(1, LossReason::Replaced), b.step(leave(Some(EndReason::Replaced)), 500)]
    );
    assert_eq!(b.reply(1002, Reply::Left), [Command::End(Outcome::Replaced)]);
}

#[test]
fn other_steps_end_before_the_next_renewal_is_due() {
    let mut b = Harness::leading();
    assert_eq!(b.wake(700), [b.step(observe(&[]), 300)]);
    assert_eq!(b.tick(H), [b.step(renew(1, 1), 500)]);
}

#[test]
fn failing_reads_delay_no_renewal() {
    let mut b = Harness::leading();
    b.wake(10);
    b.fail(10);
    let mut now = 10;
    loop {
        now = b.due_within(now, H);
        if now == H {
            break;
        }
        b.tick(now);
        b.fail(now);
    }
    assert_eq!(b.tick(H), [b.step(renew(1, 1), 500)]);
}

#[test]
fn a_leader_cleans_up_after_its_first_renewal_and_then_every_n() {
    let mut b = Harness::leading();
    b.tick(H);
    b.reply(H, ack(1));
    let cleanup = Request::Cleanup { older_than: ms(12_800) };
    assert_eq!(b.observe(1001, led(1)), [b.step(cleanup.clone(), 500)]);
    assert_eq!(
        b.reply(1002, Reply::Cleaned { nodes: 2, terms: 0 }),
        [announce(Change::Cleaned { nodes: 2, terms: 0 })]
    );
    b.run_until(1001 + 6400, |now| led((now / H).try_into().unwrap()));
    assert_eq!(b.machine.due(), Some(at(1001 + 6400)));
    assert_eq!(b.tick(1001 + 6400), [b.step(cleanup, 500)]);
    assert_eq!(b.reply(7402, Reply::Cleaned { nodes: 0, terms: 0 }), NOTHING);
}

#[test]
fn a_cleanup_that_deleted_only_terms_is_announced_too() {
    let mut b = Harness::leading();
    b.tick(H);
    b.reply(H, ack(1));
    b.observe(1001, led(1));
    let cleaned = |nodes, terms| Reply::Cleaned { nodes, terms };
    assert_eq!(b.reply(1002, cleaned(0, 3)), [announce(Change::Cleaned { nodes: 0, terms: 3 })]);
}

#[test]
fn a_cleanup_that_failed_waits_for_the_next_turn() {
    let mut b = Harness::leading();
    b.tick(H);
    b.reply(H, ack(1));
    b.observe(1001, led(1));
    b.fail(1400);
    assert_eq!(b.machine.due(), Some(at(2 * H)));
    b.run_until(7000, |now| led((now / H).try_into().unwrap()));
    assert_eq!(b.under_way(), None);
}

#[test]
fn a_read_without_time_before_the_renewal_is_put_off_until_after_it() {
    let mut b = Harness::leading();
    assert_eq!(b.wake(901), NOTHING);
    assert_eq!(b.machine.due(), Some(at(H)));
    assert_eq!(b.tick(H), [b.step(renew(1, 1), 500)]);
    let mut b = Harness::leading();
    assert_eq!(b.wake(900), [b.step(observe(&[]), 100)]);
}

#[test]
fn a_cleanup_without_time_before_the_renewal_is_put_off_until_after_it() {
    let mut b = Harness::leading();
    b.without_cleanup_until(950);
    assert_eq!(b.tick(950), NOTHING);
    assert_eq!(b.machine.due(), Some(at(H)));
    assert_eq!(b.tick(H), [b.step(renew(1, 1), 500)]);
}

#[test]
fn at_the_shortest_lease_a_renewal_that_hung_leaves_time_for_another() {
    // T = 3H, and the largest drift that is accepted with it.
    let largest = (0..=50u32).rev().map(|percent| f64::from(percent) / 100.0);
    let timing = |drift| Timing::new(ms(H), ms(3 * H), ms(6 * H), drift);
    let timing = largest.map(timing).find_map(Result::ok).unwrap();
    let mut b = Harness::leading_with(timing);
    b.tick(H);
    b.tick(1500);
    let now = b.due_within(1500, 1600);
    b.tick(now);
    let Some(Step { request: Request::Heartbeat { .. }, until, .. }) = b.machine.agenda.in_flight() else {
        panic!("{:?}", b.under_way())
    };
    assert!(until.since(at(now)) >= ms(H / 8), "{:?}", until.since(at(now)));
}

#[test]
fn the_end_of_its_own_term_is_published_as_the_last_one() {
    let mut b = Harness::following();
    b.observe_now(0, snapshot().ended(1, "a", EndReason::Resigned).node(row("b", 0)));
    assert_eq!(b.outlook(0).last_end, Some(ended_term(1, "a", EndReason::Resigned)));
    b.reply(0, claimed(2));
    b.tick(L);
    assert_eq!(b.outlook(L).last_end, Some(ended_term(2, "b", EndReason::Lapsed)));
}
