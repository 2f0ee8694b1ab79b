//! The own row: made, found again, taken over.

use super::bench::Bench;
use protocol::{EndReason, Incumbent, Reply, Request, TakeOver};

pub(super) async fn a_new_node_is_a_follower(bench: Bench) {
    let mut node = bench.process("a", 7);
    assert_eq!(node.register(None).await, Reply::Registered { seq: 0 });
    let view = node.view(&[]).await;
    let row = view.node("a").unwrap();
    assert_eq!((row.incarnation, row.leading, row.priority), (node.incarnation(), false, 7));
    assert_eq!((row.eligible, row.term, row.seq, row.lease), (true, 0, 0, node.who.lease));
    assert_eq!(row.address.as_deref(), Some("http://a"));
    assert!(row.age < super::bench::LONG, "{:?}", row.age);
    assert_eq!(view.incumbent(), Incumbent::default());
}

pub(super) async fn a_process_that_registers_again_finds_its_own_row(bench: Bench) {
    let mut node = bench.node("a").await;
    assert_eq!(node.beat().await, Some(1));
    assert_eq!(node.register(None).await, Reply::Registered { seq: 1 });
    let term = node.lead().await;
    // The claim counted the row up.
    assert_eq!(node.register(None).await, Reply::Registered { seq: 2 });
    assert_eq!(node.renew(term).await, Some(3));
}

pub(super) async fn a_row_of_another_process_is_occupied(bench: Bench) {
    let mut old = bench.node("a").await;
    let mut new = old.successor(&bench);
    let occupied = |leading| Reply::IdTaken { incarnation: old.who.incarnation(), leading };
    let (by_follower, by_leader) = (occupied(false), occupied(true));
    assert_eq!(new.register(None).await, by_follower);
    let term = old.lead().await;
    let before = bench.everything().await;
    assert_eq!(new.register(None).await, by_leader);
    // It leads by the one table only.
    bench.sql("UPDATE node_records SET status = 'follower' WHERE election = $e").await;
    assert_eq!(new.register(None).await, by_leader);
    bench.sql("UPDATE node_records SET status = 'leader' WHERE election = $e").await;
    assert_eq!(bench.everything().await, before);
    old.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    assert_eq!(new.register(None).await, by_follower);
}

pub(super) async fn a_new_process_takes_a_followers_row_over(bench: Bench) {
    let (mut old, term) = bench.leader("a").await;
    old.renew(term).await.unwrap();
    old.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    let mut new = bench.process("a", 9);
    let take_over = Some(TakeOver::Follower(old.incarnation()));
    // The counter goes on, so that everybody sees the row move.
    assert_eq!(new.register(take_over).await, Reply::Registered { seq: 3 });
    let view = bench.view().await;
    let row = view.node("a").unwrap();
    assert_eq!((row.incarnation, row.priority, row.term), (new.incarnation(), 9, term));
    assert_eq!(old.beat().await, None);
    assert_eq!(new.beat().await, Some(4));
    assert_eq!(old.register(None).await, Reply::IdTaken { incarnation: new.incarnation(), leading: false });
}

pub(super) async fn of_two_takers_one_wins(bench: Bench) {
    let mut holder = bench.node("a").await;
    let (mut one, mut two) = (holder.successor(&bench), holder.successor(&bench));
    for _ in 0..15 {
        one.start_anew();
        two.start_anew();
        let take_over = Some(TakeOver::Follower(holder.incarnation()));
        let replies = tokio::join!(one.register(take_over.clone()), two.register(take_over));
        let (winner, occupant) = match replies {
            (Reply::Registered { .. }, Reply::IdTaken { incarnation, leading: false }) => {
                (&mut one, incarnation)
            }
            (Reply::IdTaken { incarnation, leading: false }, Reply::Registered { .. }) => {
                (&mut two, incarnation)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(occupant, winner.incarnation());
        assert_eq!(holder.beat().await, None);
        std::mem::swap(&mut holder, winner);
        assert!(holder.beat().await.is_some());
    }
}

pub(super) async fn a_takeover_of_a_dead_leaders_row_ends_its_term(bench: Bench) {
    let (mut old, term) = bench.leader("a").await;
    let mut new = old.successor(&bench);
    let incumbent = new.view(&[]).await.incumbent();
    let take_over = Some(TakeOver::Leader { incarnation: old.incarnation(), incumbent });
    assert_eq!(new.register(take_over).await, Reply::Registered { seq: 2 });
    let view = new.view(&[]).await;
    assert_eq!(view.newest_term().unwrap().ended, Some(EndReason::Replaced));
    assert_eq!(view.incumbent(), Incumbent::default());
    assert_eq!(view.node("a").unwrap().incarnation, new.incarnation());
    assert_eq!(old.renew(term).await, None);
    assert_eq!(new.lead().await, term + 1);
}

pub(super) async fn a_takeover_of_a_leader_that_renewed_gives_up(bench: Bench) {
    let (mut old, term) = bench.leader("a").await;
    let mut new = old.successor(&bench);
    let incumbent = new.view(&[]).await.incumbent();
    old.renew(term).await.unwrap();
    let before = bench.everything().await;
    let take_over = Some(TakeOver::Leader { incarnation: old.incarnation(), incumbent });
    let occupied = Reply::IdTaken { incarnation: old.incarnation(), leading: true };
    assert_eq!(new.register(take_over).await, occupied);
    assert_eq!(bench.everything().await, before);
    assert!(old.renew(term).await.is_some());
}

pub(super) async fn a_takeover_of_a_follower_that_leads_by_now_gives_up(bench: Bench) {
    let (mut old, term) = bench.leader("a").await;
    let mut new = old.successor(&bench);
    let take_over = || Some(TakeOver::Follower(old.who.incarnation()));
    let (first, second) = (take_over(), take_over());
    let occupied = Reply::IdTaken { incarnation: old.incarnation(), leading: true };
    assert_eq!(new.register(first).await, occupied);
    assert!(old.renew(term).await.is_some());
    // By the term alone.
    bench.sql("UPDATE node_records SET status = 'follower' WHERE election = $e").await;
    assert_eq!(new.register(second).await, occupied);
}

/// The row that was to be taken over has gone meanwhile.
pub(super) async fn a_takeover_of_a_row_that_has_gone_makes_one(bench: Bench) {
    let mut old = bench.node("a").await;
    old.ask(Request::Leave { end: None }).await;
    let mut new = old.successor(&bench);
    let take_over = Some(TakeOver::Follower(old.incarnation()));
    assert_eq!(new.register(take_over).await, Reply::Registered { seq: 0 });

    let (leader, term) = bench.leader("b").await;
    let mut newer = leader.successor(&bench);
    let incumbent = newer.view(&[]).await.incumbent();
    bench.sql("DELETE FROM node_records WHERE election = $e AND id = 'b'").await;
    let take_over = Some(TakeOver::Leader { incarnation: leader.incarnation(), incumbent });
    assert_eq!(newer.register(take_over).await, Reply::Registered { seq: 0 });
    // Its term is open still: whoever saw it waits for its lease.
    assert_eq!(bench.view().await.open_term().unwrap().key(), (term, leader.incarnation()));
}

pub(super) async fn a_registration_that_arrives_after_a_takeover_changes_nothing(bench: Bench) {
    let mut first = bench.node("a").await;
    let (mut second, mut third) = (first.successor(&bench), first.successor(&bench));
    third.register(Some(TakeOver::Follower(first.incarnation()))).await;
    third.lead().await;
    let before = bench.everything().await;
    let occupied = Reply::IdTaken { incarnation: third.incarnation(), leading: true };
    assert_eq!(first.register(None).await, occupied);
    assert_eq!(second.register(None).await, occupied);
    assert_eq!(second.register(Some(TakeOver::Follower(first.incarnation()))).await, occupied);
    assert_eq!(bench.everything().await, before);
}

/// It leaves a follower's row with nobody behind it, which holds nobody up for long.
pub(super) async fn a_registration_that_arrives_after_the_deregistration_does_no_harm(bench: Bench) {
    let (mut gone, term) = bench.leader("a").await;
    gone.ask(Request::Leave { end: Some(EndReason::Resigned) }).await;
    assert_eq!(gone.register(None).await, Reply::Registered { seq: 0 });
    let view = bench.view().await;
    assert_eq!(view.incumbent(), Incumbent::default());
    assert_eq!((view.node("a").unwrap().term, view.node("a").unwrap().leading), (0, false));
    let mut other = bench.node("b").await;
    assert_eq!(other.lead().await, term + 1);
    let mut next = gone.successor(&bench);
    let take_over = Some(TakeOver::Follower(gone.incarnation()));
    assert_eq!(next.register(take_over).await, Reply::Registered { seq: 1 });
    assert!(other.renew(term + 1).await.is_some());
}
