use super::*;

/// Nobody leads, and only `b` is there.
fn alone() -> Snapshot {
    snapshot().node(row("b", 0)).into()
}

/// Nobody leads, and `a` is there.
fn with_a(seq: i64) -> Snapshot {
    snapshot().node(row("a", seq)).node(row("b", 0)).into()
}

fn claim(incumbent: Incumbent, peers: Vec<PeerView>, min_term: i64, seq_floor: i64) -> Request {
    let (id, incarnation, election_timeout) = ("b".to_owned(), process("b"), ms(3200));
    Request::Claim(Claim {
        incumbent,
        electorate: Electorate { id, incarnation, election_timeout, peers },
        min_term: number(min_term),
        seq_floor: seq(seq_floor),
    })
}

fn known(id: &str, count: i64) -> PeerView {
    PeerView {
        id: id.to_owned(),
        incarnation: process(id),
        heartbeat_seq: seq(count),
        live: true,
        skipped: false,
    }
}

/// `b` at 0: its claim is under way.
fn claiming() -> Harness {
    let mut b = Harness::joined();
    b.observe(0, alone());
    b.claims_within(0, 0);
    b
}

#[test]
fn the_preferred_candidate_claims_at_once() {
    let mut b = Harness::joined();
    assert_eq!(b.observe(0, alone()), [b.step(claim(Incumbent::default(), vec![], 0, 0), 1000)]);
    assert_eq!(b.outlook(0).role, Role::Candidate);
}

#[test]
fn after_a_resignation_the_preferred_candidate_claims_at_once() {
    let mut b = Harness::following();
    b.wake(500);
    let ended = snapshot().ended(1, "a", EndReason::Resigned).node(row("b", 0)).node(row("c", 4));
    assert_eq!(b.observe(501, ended), [b.step(claim(Incumbent::default(), vec![known("c", 4)], 1, 0), 1000)]);
    assert_eq!(
        b.reply(510, claimed(2)),
        [announce(Change::BecameLeader { term: number(2), leaderless: Some(ms(9)) })]
    );
}

#[test]
fn a_claim_names_the_version_that_ran_out() {
    let mut b = Harness::following();
    let silent: Snapshot = snapshot().open(1, "a").node(leader("a", 1, 7)).node(row("b", 0)).into();
    b.run_until(G, |_| silent.clone());
    b.tick(G);
    assert_eq!(
        b.observe(G, silent.clone()),
        [b.step(claim(silent.incumbent(), vec![known("a", 7)], 1, 2), 1000)]
    );
    // The time without a leader counts from the last renewal that was seen.
    assert_eq!(
        b.reply(G + 5, claimed(2)),
        [announce(Change::BecameLeader { term: number(2), leaderless: Some(ms(G + 5)) })]
    );
    assert_eq!(b.outlook(G + 5).last_end, Some(ended_term(1, "a", EndReason::Expired)));
}

#[test]
fn a_crashed_leaders_row_is_not_waited_for() {
    let mut b = Harness::following();
    let silent: Snapshot = snapshot().open(1, "a").node(leader("a", 1, 7)).node(row("b", 0)).into();
    // `a` ranks higher, and moved less than T ago.
    b.run_until(5 * H, |_| silent.clone());
    b.claims_within(G, G);
}

#[test]
fn the_others_wait_and_observe_again_soon() {
    let mut b = Harness::joined();
    assert_eq!(b.observe(0, with_a(3)), NOTHING);
    assert_eq!(b.outlook(0).next_leader.as_deref(), Some("a"));
    let now = b.due_within(H / 10, H / 5);
    assert_eq!(b.tick(now), [b.step(observe(&[]), 500)]);
    // `a` has left, so this node may claim.
    b.observe(now, alone());
    b.claims_within(now, now);
}

#[test]
fn a_candidates_heartbeats_say_so() {
    let mut b = Harness::joined();
    b.observe(0, with_a(3));
    b.machine.agenda.poll_no_more();
    let heartbeat = Request::Heartbeat { belief: Belief::Candidate, seq_floor: seq(0) };
    assert_eq!(b.tick(H), [b.step(heartbeat, 500)]);
}

#[test]
fn a_better_row_that_does_not_move_for_an_interval_is_skipped() {
    let mut b = Harness::joined();
    b.run_until(5 * H, |_| with_a(3));
    b.claims_within(H, H + H / 2);
    let claim = b.claim();
    assert_eq!(claim.electorate.peers, [PeerView { skipped: true, ..known("a", 3) }]);
}

#[test]
fn a_better_node_that_died_with_the_leader_is_skipped_within_an_interval() {
    let mut b = Harness::joined();
    let died = |_| snapshot().open(1, "c").node(leader("c", 1, 7)).node(row("a", 3)).node(row("b", 0)).into();
    b.run_until(G + 2 * H, died);
    b.claims_within(G + 3 * H / 4, G + H);
}

#[test]
fn what_was_observed_before_a_failed_step_counts_against_nobody() {
    let mut b = Harness::joined();
    let died = |now: u64| {
        let a = row("a", now.min(H).try_into().unwrap());
        snapshot().open(1, "c").node(leader("c", 1, 7)).node(a).node(row("b", 0)).into()
    };
    b.run_until(G - 100, died);
    b.without_heartbeats_until(G + H);
    b.without_polls_until(G - 60);
    b.tick(G - 60);
    b.fail(G - 50);
    b.without_polls_until(G);
    b.run_until(G + 2 * H, died);
    b.claims_within(G + 5 * H / 4, G + 3 * H / 2);
}

#[test]
fn a_better_node_that_may_only_have_been_partitioned_with_this_one_gets_all_its_time() {
    let mut b = Harness::joined();
    // It moved as long as this node's steps succeeded.
    let silent = |now: u64| {
        let seq = i64::try_from(now.min(G - 100)).unwrap();
        snapshot().open(1, "c").node(leader("c", 1, 7)).node(row("a", seq)).node(row("b", 0)).into()
    };
    b.run_until(G - 100, silent);
    b.without_heartbeats_until(G + H);
    b.without_polls_until(G - 60);
    b.tick(G - 60);
    b.fail(G - 50);
    b.without_polls_until(G);
    b.run_until(G + 2 * H, silent);
    b.claims_within(G + 5 * H / 4, G + 3 * H / 2);
}

#[test]
fn rows_are_skipped_each_by_its_own_count() {
    let mut b = Harness::joined();
    let second = NodeRow { priority: 25, ..row("d", 0) };
    b.run_until(5 * H, |_| snapshot().node(row("a", 3)).node(second.clone()).node(row("b", 0)).into());
    b.claims_within(H, H + H / 2);
}

#[test]
fn a_better_row_that_moves_but_never_claims_is_skipped_after_two_intervals() {
    let mut b = Harness::joined();
    b.run_until(5 * H, |now| with_a(now.try_into().unwrap()));
    b.claims_within(2 * H, 2 * H + H / 2);
}

/// `a` lets a vacancy go on for 0.6 H; then `c` leads for a while, seen in these versions, and gives up at 0.7 H.
fn interrupted(versions: &[i64]) -> Harness {
    let mut b = Harness::joined();
    b.run_until(600, |_| with_a(3));
    for seq in versions {
        b.observe_now(
            600,
            snapshot().open(1, "c").node(row("a", 3)).node(row("b", 0)).node(leader("c", 1, *seq)),
        );
        assert_eq!(b.outlook(600).role, Role::Follower);
    }
    b.without_polls_until(700);
    b.run_until(5 * H, |_| {
        snapshot()
            .ended(1, "c", EndReason::Lapsed)
            .node(row("a", 3))
            .node(row("b", 0))
            .node(row("c", 4))
            .into()
    });
    b
}

#[test]
fn a_term_that_was_never_renewed_does_not_restart_the_count() {
    interrupted(&[4]).claims_within(700 + 400, 700 + 400 + H / 2);
}

#[test]
fn a_term_that_was_renewed_does() {
    interrupted(&[4, 5]).claims_within(700 + 3 * H / 4, 700 + H);
}

#[test]
fn the_successor_claims_at_once_whatever_its_rank() {
    let mut b = Harness::following();
    b.wake(500);
    let ended = Some(EndReason::Transferred);
    let to_b = TermRow { end_reason: ended, successor: Some("b".to_owned()), ..term(1, "a") };
    b.observe(501, snapshot().term(to_b).node(row("a", 8)).node(row("b", 0)));
    b.claims_within(501, 501);
}

#[test]
fn the_successor_is_waited_for_whatever_its_rank() {
    let mut b = Harness::following();
    b.wake(500);
    let ended = Some(EndReason::Transferred);
    let to_c = TermRow { end_reason: ended, successor: Some("c".to_owned()), ..term(1, "a") };
    let view = Snapshot::from(snapshot().term(to_c).node(row("b", 0)).node(row("c", 8)));
    assert_eq!(b.observe(501, view.clone()), NOTHING);
    assert_eq!(b.outlook(501).next_leader.as_deref(), Some("c"));
    b.run_until(5 * H, |_| view.clone());
    b.claims_within(501 + H, 501 + H + H / 2);
}

#[test]
fn nobody_waits_for_a_node_that_is_not_eligible() {
    let mut b = Harness::joined();
    let failing = NodeRow { eligible: false, ..row("a", 3) };
    b.observe(0, snapshot().node(failing).node(row("b", 0)));
    b.claims_within(0, 0);
}

#[test]
fn a_node_that_is_not_eligible_never_claims() {
    let mut b = Harness::joined();
    let failing = NodeRow { eligible: false, ..row("b", 0) };
    b.run_until(5 * H, |_| snapshot().node(failing.clone()).into());
    assert_eq!(b.under_way(), None);
    assert_eq!(b.outlook(5 * H).next_leader, None);
}

#[test]
fn a_row_seen_for_the_first_time_is_judged_by_its_age() {
    for (age, waits) in [(3200, true), (3201, false)] {
        let mut b = Harness::joined();
        let a = NodeRow { heartbeat_age: ms(age), ..row("a", 3) };
        b.observe(0, snapshot().node(a).node(row("b", 0)));
        assert_eq!(b.under_way().is_none(), waits, "{age}");
    }
}

#[test]
fn a_row_seen_before_is_judged_by_its_moving_whatever_its_age() {
    // `c` leads and `a` does not move for longer than T, but its age on the database's clock is small.
    let mut b = Harness::joined();
    b.run_until(3300, |now| {
        let c = leader("c", 1, now.try_into().unwrap());
        snapshot().open(1, "c").node(row("a", 3)).node(row("b", 0)).node(c).into()
    });
    let ended = |a| Snapshot::from(snapshot().ended(1, "c", EndReason::Resigned).node(a).node(row("b", 0)));
    let mut moved = b.clone();
    b.observe_now(3300, ended(row("a", 3)));
    b.claims_within(3300, 3300);
    // Its last heartbeat is old on the database's clock, but it is not the one seen before.
    moved.observe_now(3300, ended(NodeRow { heartbeat_age: ms(9000), ..row("a", 4) }));
    assert_eq!(moved.under_way(), None);
}

#[test]
fn an_outage_of_the_database_makes_no_node_count_as_dead() {
    let mut b = Harness::joined();
    b.observe(0, snapshot().open(1, "c").node(row("a", 3)).node(row("b", 0)).node(leader("c", 1, 4)));
    b.heartbeat_and_observe(
        60_000,
        snapshot().open(1, "c").node(row("a", 3)).node(row("b", 0)).node(leader("c", 1, 4)),
    );
    assert_eq!(b.outlook(60_000).role, Role::Candidate);
    assert_eq!(b.under_way(), None);
}

#[test]
fn a_claim_counts_from_when_it_was_sent() {
    let mut b = claiming();
    assert_eq!(
        b.reply(90, claimed(5)),
        [announce(Change::BecameLeader { term: number(5), leaderless: None })]
    );
    assert_eq!(b.machine.lease(), Some(Lease { term: number(5), since: at(90), deadline: at(L) }));
    assert_eq!((b.outlook(90).role, b.outlook(90).highest_term), (Role::Leader, number(5)));
    b.run_until(H, |_| snapshot().open(5, "b").node(leader("b", 5, 0)).into());
    assert_eq!(b.machine.due(), Some(at(H)));
}

#[test]
fn a_claim_that_comes_back_after_its_limit_makes_no_leader() {
    let mut b = claiming();
    b.reply(H, claimed(1));
    assert_eq!(b.machine.lease(), None);
}

#[test]
fn a_rejected_claim_observes_at_once_and_claims_again_after_a_moment() {
    let mut b = claiming();
    assert_eq!(
        b.reply(5, Reply::ClaimRejected(ClaimRejected::Raced)),
        [announce(Change::ClaimRejected(ClaimRejected::Raced)), b.step(observe(&[]), 500)]
    );
    b.run_until(500, |_| alone());
    b.claims_within(5 + H / 20, 5 + H / 10);
}

#[test]
fn a_claim_without_an_answer_backs_off_further_each_time() {
    let mut b = claiming();
    for (from, to) in [(H, 2 * H), (2 * H, 4 * H), (4 * H, 8 * H), (4 * H, 8 * H)] {
        let failed = b.sent();
        b.fail(failed);
        b.run_until(99 * H, |_| alone());
        b.claims_within(failed + from - 1, failed + to + 1);
    }
}

#[test]
fn a_claim_that_hangs_keeps_no_heartbeat_waiting_for_longer_than_its_limit() {
    let mut b = claiming();
    let heartbeat = Request::Heartbeat { belief: Belief::Candidate, seq_floor: seq(1) };
    assert_eq!(b.tick(H), [b.step(heartbeat, 500)]);
}

#[test]
fn a_term_won_by_a_claim_whose_reply_was_lost_is_ended_before_the_next_claim() {
    let mut b = claiming();
    b.fail(300);
    let now = b.due_within(350, 400);
    b.tick(now);
    let won = snapshot().open(1, "b").node(leader("b", 1, 0));
    assert_eq!(b.observe(now, won), [b.step(end_term(1, EndReason::Lapsed), 500)]);
    assert_eq!(b.outlook(now).role, Role::Follower);
    // The database is slow to answer: the step is repeated until it has.
    b.tick(now + 500);
    let now = b.due_within(now + 550, now + 600);
    assert_eq!(b.tick(now), [b.step(end_term(1, EndReason::Lapsed), 500)]);
    assert_eq!(b.reply(now, Reply::TermEnded), [b.step(heartbeat(1), 500)]);
    b.run_until(9 * H, |_| snapshot().ended(1, "b", EndReason::Lapsed).node(row("b", 1)).into());
    b.claims_within(300 + H, 300 + 2 * H);
}

#[test]
fn its_own_row_with_the_status_leader_is_demoted_even_where_the_terms_row_is_gone() {
    let mut b = Harness::joined();
    let view = snapshot().node(leader("b", 6, 0));
    assert_eq!(b.observe(0, view), [b.step(end_term(6, EndReason::Lapsed), 500)]);
}
