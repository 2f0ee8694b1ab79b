use super::*;

const CLEAN: Command = Command::End(Outcome::Stopped { clean: true });
const UNCLEAN: Command = Command::End(Outcome::Stopped { clean: false });

fn claiming() -> Harness {
    let mut b = Harness::joined();
    b.observe(0, snapshot().node(row("b", 0)));
    b.claims_within(0, 0);
    b
}

#[test]
fn a_follower_deletes_its_row_and_ends() {
    let mut b = Harness::following();
    assert_eq!(b.stop(10), [b.step(leave(None), 500)]);
    assert!(!b.outlook(10).registered);
    assert_eq!(b.reply(12, Reply::Left), [CLEAN]);
    assert_eq!(b.machine.due(), None);
    assert_eq!(b.tick(5000), NOTHING);
}

#[test]
fn a_heartbeat_or_a_read_under_way_is_given_up() {
    let mut b = Harness::following();
    b.tick(H);
    let token = b.token;
    assert_eq!(b.stop(1001), [b.step(leave(None), 500)]);
    assert_eq!(b.handle(1002, Event::Reply { token, reply: Some(ack(1)) }), NOTHING);
    assert_eq!(b.under_way(), Some(&leave(None)));
}

#[test]
fn a_candidate_that_waits_deletes_its_row_and_ends() {
    let mut b = Harness::joined();
    b.observe(0, snapshot().node(row("a", 3)).node(row("b", 0)));
    assert_eq!(b.stop(10), [b.step(leave(None), 500)]);
}

#[test]
fn a_stopped_leader_steps_down_at_once_and_ends_its_term_with_its_row() {
    let mut b = Harness::leading();
    assert_eq!(
        b.stop(10),
        [lost(1, LossReason::ShuttingDown), b.step(leave(Some(EndReason::Resigned)), 500)]
    );
    assert_eq!((b.machine.lease(), b.outlook(10).role), (None, Role::Follower));
    assert_eq!(b.reply(12, Reply::Left), [CLEAN]);
}

#[test]
fn a_renewal_under_way_brings_no_leadership_back() {
    let mut b = Harness::leading();
    b.tick(H);
    let token = b.token;
    b.stop(1001);
    assert_eq!(b.handle(1002, Event::Reply { token, reply: Some(ack(1)) }), NOTHING);
    assert_eq!(b.machine.lease(), None);
}

#[test]
fn a_stop_after_a_lapse_says_that_the_term_lapsed() {
    let mut b = Harness::leading();
    b.tick(L);
    assert_eq!(b.stop(2001), [b.step(leave(Some(EndReason::Lapsed)), 500)]);
    // In one event, too.
    let mut b = Harness::leading();
    assert_eq!(b.stop(L), [lost(1, LossReason::Lapsed), b.step(leave(Some(EndReason::Lapsed)), 500)]);
}

#[test]
fn a_claim_under_way_is_waited_for_and_its_term_ended() {
    let mut b = claiming();
    assert_eq!(b.stop(10), NOTHING);
    // No leadership is announced.
    assert_eq!(b.reply(20, claimed(1)), [b.step(leave(Some(EndReason::Resigned)), 500)]);
    assert_eq!(b.machine.lease(), None);
    assert_eq!(b.reply(21, Reply::Left), [CLEAN]);
}

#[test]
fn a_claim_under_way_is_waited_for_no_longer_than_its_limit() {
    let mut b = claiming();
    b.stop(10);
    assert_eq!(b.machine.due(), Some(at(H)));
    assert_eq!(b.tick(H), [b.step(leave(Some(EndReason::Resigned)), 500)]);
}

#[test]
fn a_stop_after_a_claim_without_an_answer_ends_the_term_it_may_have_opened() {
    let mut b = claiming();
    b.fail(300);
    assert_eq!(b.stop(310), [b.step(leave(Some(EndReason::Resigned)), 500)]);
    // A snapshot without such a term settles it.
    let mut b = claiming();
    b.fail(300);
    b.observe_now(500, snapshot().node(row("b", 0)));
    assert_eq!(b.stop(510), [b.step(leave(None), 500)]);
}

#[test]
fn a_registration_under_way_is_waited_for_and_its_row_deleted() {
    let mut b = Harness::new();
    b.tick(0);
    assert_eq!(b.stop(10), NOTHING);
    assert_eq!(b.reply(20, registered(0)), [b.step(leave(None), 500)]);
    assert_eq!(b.reply(21, Reply::Left), [CLEAN]);
}

#[test]
fn while_it_joins_and_the_database_is_down_one_attempt_to_leave_is_enough() {
    let mut b = Harness::new();
    b.tick(0);
    b.stop(10);
    assert_eq!(b.tick(500), [b.step(leave(None), 500)]);
    assert_eq!(b.tick(1000), [UNCLEAN]);
    // Between two attempts to register, too.
    let mut b = Harness::new();
    b.tick(0);
    b.fail(1);
    assert_eq!(b.stop(10), [b.step(leave(None), 500)]);
    assert_eq!(b.fail(11), [UNCLEAN]);
}

#[test]
fn a_stopped_node_that_waits_for_a_leaders_row_ends_at_once() {
    let mut b = Harness::new();
    b.tick(0);
    b.reply(0, Reply::IdTaken { incarnation: Incarnation(99), leading: true });
    assert_eq!(b.stop(10), [CLEAN]);
}

#[test]
fn a_stop_is_tried_again_within_its_bound_and_then_ends_unclean() {
    let mut b = Harness::leading();
    b.stop(10);
    let until = 10 + H + H / 2;
    b.tick(510);
    let now = b.due_within(560, 610);
    assert_eq!(b.tick(now), [b.step(leave(Some(EndReason::Resigned)), 500)]);
    b.tick(now + 500);
    let now = b.due_within(now + 600, now + 700);
    // No attempt lasts longer than the bound.
    assert_eq!(b.tick(now), [b.step(leave(Some(EndReason::Resigned)), until - now)]);
    assert_eq!(b.machine.due(), Some(at(until)));
    assert_eq!(b.tick(until), [UNCLEAN]);
    assert_eq!(b.machine.due(), None);
}

#[test]
fn a_stop_ends_at_its_bound_even_between_two_attempts() {
    let mut b = Harness::following();
    b.stop(0);
    b.machine.agenda.give_up();
    b.machine.agenda.retry(at(9 * H));
    assert_eq!(b.machine.due(), Some(at(1500)));
    assert_eq!(b.tick(1500), [UNCLEAN]);
}

#[test]
fn nothing_else_matters_while_leaving() {
    let mut b = Harness::following();
    b.stop(10);
    assert_eq!(b.stop(11), NOTHING);
    assert_eq!(b.wake(12), NOTHING);
    assert_eq!(b.tick(13), NOTHING);
    assert_eq!(b.under_way(), Some(&leave(None)));
}

#[test]
fn a_replaced_node_ends_as_replaced_even_when_stopped_or_unable_to_end_its_term() {
    let mut b = Harness::leading();
    let other = NodeRow { incarnation: Incarnation(99), ..row("b", 2) };
    b.observe_now(10, snapshot().open(1, "b").node(other));
    assert_eq!(b.under_way(), Some(&leave(Some(EndReason::Replaced))));
    assert_eq!(b.stop(11), NOTHING);
    assert_eq!(b.tick(10 + 1500), [Command::End(Outcome::Replaced)]);
}

#[test]
fn a_row_known_to_be_there_is_tried_to_be_deleted_more_than_once() {
    let mut b = Harness::new();
    b.tick(0);
    b.stop(10);
    b.reply(20, registered(0));
    assert_eq!(b.fail(21), NOTHING);
    let now = b.due_within(71, 121);
    assert_eq!(b.tick(now), [b.step(leave(None), 500)]);
}
