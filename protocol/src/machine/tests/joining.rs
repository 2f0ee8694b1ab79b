use super::*;

const OTHER: Incarnation = Incarnation(99);

fn id_taken(leading: bool) -> Reply {
    Reply::IdTaken { incarnation: OTHER, leading }
}

/// `b` has learned that its row belongs to a leader in another process, and reads.
fn waiting() -> Harness {
    let mut b = Harness::new();
    b.tick(0);
    assert_eq!(b.reply(0, id_taken(true)), [b.step(observe(&[]), 500)]);
    b
}

/// `b`'s row, with which the other process leads.
fn others_view(seq: i64) -> Snapshot {
    let term = TermRow { incarnation: OTHER, ..term(4, "b") };
    snapshot().term(term).node(NodeRow { incarnation: OTHER, ..leader("b", 4, seq) }).into()
}

#[test]
fn a_new_node_registers_at_once() {
    let mut b = Harness::new();
    assert_eq!(b.machine.due(), Some(at(0)));
    assert_eq!(b.tick(0), [b.step(register(None), 500)]);
    assert_eq!(b.machine.due(), Some(at(500)));
}

#[test]
fn a_registered_node_observes_at_once_and_heartbeats_within_an_interval() {
    let mut b = Harness::new();
    b.tick(0);
    assert_eq!(
        b.reply(3, registered(0)),
        [announce(Change::Joined { taken_over: false, again: false }), b.step(observe(&[]), 500)]
    );
    assert!(b.outlook(3).registered);
    b.observe(4, snapshot().open(1, "a").node(leader("a", 1, 7)).node(row("b", 0)));
    b.due_within(3 + H / 2, 3 + H);
}

#[test]
fn a_row_that_is_not_the_leaders_is_taken_over_at_once() {
    let mut b = Harness::new();
    b.tick(0);
    let take_over = Some(TakeOver::Follower(OTHER));
    assert_eq!(b.reply(3, id_taken(false)), [b.step(register(take_over), 500)]);
    assert_eq!(
        b.reply(5, registered(8)),
        [announce(Change::Joined { taken_over: true, again: false }), b.step(observe(&[]), 500)]
    );
}

#[test]
fn a_take_over_that_was_too_late_is_tried_again_after_a_pause() {
    let mut b = Harness::new();
    b.tick(0);
    b.reply(0, id_taken(false));
    assert_eq!(b.reply(1, Reply::IdTaken { incarnation: Incarnation(98), leading: false }), NOTHING);
    let now = b.due_within(1 + H / 20, 1 + H / 10);
    assert_eq!(b.tick(now), [b.step(register(Some(TakeOver::Follower(Incarnation(98)))), 500)]);
}

#[test]
fn a_leaders_row_is_waited_for() {
    let mut b = waiting();
    assert_eq!(b.observe(10, others_view(7)), [announce(Change::IdHeldByLeader { until: at(10 + G) })]);
    assert!(!b.outlook(10).registered);
    assert_eq!(b.machine.due(), Some(at(10 + H)));
    assert_eq!(b.tick(10 + H), [b.step(observe(&[4]), 500)]);
    // A renewal keeps it waiting.
    assert_eq!(b.observe(1020, others_view(8)), [announce(Change::IdHeldByLeader { until: at(1020 + G) })]);
}

#[test]
fn a_leaders_row_is_taken_over_when_its_lease_has_run_out() {
    let mut b = waiting();
    b.observe(0, others_view(7));
    b.tick(H);
    b.observe(H, others_view(7));
    b.tick(2 * H);
    b.observe(2 * H, others_view(7));
    assert_eq!(b.machine.due(), Some(at(G)));
    b.tick(G);
    let incumbent = others_view(7).incumbent();
    let take_over = TakeOver::Leader { incarnation: OTHER, incumbent };
    assert_eq!(b.observe(G, others_view(7)), [b.step(register(Some(take_over)), 500)]);
}

#[test]
fn a_leaders_row_is_taken_over_at_once_when_its_term_ends() {
    let mut b = waiting();
    b.observe(0, others_view(7));
    b.wake(50);
    let ended = TermRow { incarnation: OTHER, end_reason: Some(EndReason::Resigned), ..term(4, "b") };
    let view = snapshot().term(ended).node(NodeRow { incarnation: OTHER, term: number(4), ..row("b", 7) });
    assert_eq!(b.observe(51, view), [b.step(register(Some(TakeOver::Follower(OTHER))), 500)]);
}

#[test]
fn a_waiting_node_inserts_its_row_when_the_other_process_has_left() {
    let mut b = waiting();
    b.observe(0, others_view(7));
    b.wake(50);
    let ended = TermRow { incarnation: OTHER, end_reason: Some(EndReason::Resigned), ..term(4, "b") };
    assert_eq!(b.observe(51, snapshot().term(ended)), [b.step(register(None), 500)]);
}

#[test]
fn a_failed_registration_is_tried_again_less_and_less_often() {
    let mut b = Harness::new();
    let mut now = 0;
    for longest in [100, 200, 400, 800, 1000, 1000] {
        assert_eq!(b.tick(now), [b.step(register(None), 500)]);
        assert_eq!(b.fail(now), NOTHING);
        now = b.due_within(now + longest / 2, now + longest);
    }
}

#[test]
fn a_registration_that_hangs_is_given_up() {
    let mut b = Harness::new();
    b.tick(0);
    assert_eq!(b.tick(500), NOTHING);
    let now = b.due_within(550, 600);
    // Its reply comes too late.
    assert_eq!(b.handle(510, Event::Reply { token: 1, reply: Some(registered(0)) }), NOTHING);
    assert_eq!(b.tick(now), [b.step(register(None), 500)]);
}

#[test]
fn a_row_that_was_deleted_is_inserted_again() {
    let mut b = Harness::following();
    b.tick(H);
    b.reply(H, Reply::HeartbeatAck { seq: None });
    let gone = snapshot().open(1, "a").node(leader("a", 1, 8));
    assert_eq!(b.observe(1001, gone), [b.step(register(None), 500)]);
    assert!(!b.outlook(1001).registered);
    assert_eq!(
        b.reply(1002, registered(0)),
        [announce(Change::Joined { taken_over: false, again: true }), b.step(observe(&[1]), 500)]
    );
}

#[test]
fn a_node_that_registers_again_and_finds_another_process_is_the_one_replaced() {
    let mut b = Harness::following();
    b.tick(H);
    b.reply(H, Reply::HeartbeatAck { seq: None });
    b.observe(H, snapshot().open(1, "a").node(leader("a", 1, 8)));
    assert_eq!(b.reply(1001, id_taken(false)), [Command::End(Outcome::Replaced)]);
    assert_eq!(b.machine.due(), None);
}

#[test]
fn a_node_that_has_just_registered_waits_before_it_campaigns() {
    let mut b = Harness::new();
    b.tick(0);
    b.reply(0, registered(0));
    assert_eq!(b.observe(0, snapshot().node(row("b", 0))), NOTHING);
    assert_eq!(b.outlook(0).role, Role::Candidate);
    assert_eq!(b.machine.due(), Some(at(H / 10)));
    b.tick(H / 10);
    b.observe(H / 10, snapshot().node(row("b", 0)));
    assert!(matches!(b.under_way(), Some(Request::Claim(_))));
}

#[test]
fn after_a_take_over_that_failed_the_node_tries_an_insert() {
    // The other process has left and deleted its row, so there is no row to take over.
    let mut b = Harness::new();
    b.tick(0);
    b.reply(0, id_taken(false));
    b.fail(5);
    let now = b.due_within(5 + H / 20, 5 + H / 10);
    assert_eq!(b.tick(now), [b.step(register(None), 500)]);
}

#[test]
fn a_waiting_node_takes_over_only_a_row_that_is_not_the_leaders() {
    let own = snapshot().node(row("b", 1));
    let theirs = |row| NodeRow { incarnation: OTHER, ..row };
    let open = || TermRow { incarnation: OTHER, ..term(4, "b") };
    let led_by_a = snapshot().open(5, "a").node(leader("a", 5, 1)).node(theirs(row("b", 7)));
    for (rows, expected) in [
        // This node's own insert took effect late.
        (own, Some(None)),
        (snapshot().node(theirs(row("b", 7))), Some(Some(TakeOver::Follower(OTHER)))),
        (led_by_a, Some(Some(TakeOver::Follower(OTHER)))),
        (snapshot().node(theirs(leader("b", 4, 7))), None),
        (snapshot().term(open()).node(theirs(row("b", 7))), None),
        (snapshot().term(open()).node(theirs(leader("b", 4, 7))), None),
    ] {
        let mut b = waiting();
        let held = announce(Change::IdHeldByLeader { until: at(10 + G) });
        let out = b.observe(10, rows);
        match expected {
            Some(take_over) => assert_eq!(out, [b.step(register(take_over), 500)]),
            None => assert_eq!(out, [held]),
        }
    }
}
