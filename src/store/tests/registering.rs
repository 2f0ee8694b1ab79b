//! A node's own row: inserted, found again, taken over.

use super::fixture::{Fixture, after};
use protocol::{EndReason, HeartbeatSeq, Incumbent, LeadershipId, Reply, Request, TakeOver, Term};

pub(super) async fn a_new_node_is_a_follower(fixture: Fixture) {
    let mut node = fixture.process("a", 7);
    assert_eq!(node.register(None).await, Reply::Registered { seq: HeartbeatSeq::new(0) });
    let view = node.view(&[]).await;
    let row = view.node("a").unwrap();
    assert_eq!((row.incarnation, row.is_leader(), row.priority), (node.incarnation(), false, 7));
    assert_eq!((row.eligible, row.term, row.heartbeat_seq), (true, Term::NONE, HeartbeatSeq::ZERO));
    assert_eq!(row.lease_duration, node.who.lease_duration);
    let address = "SELECT address FROM node_records WHERE election = $e";
    assert_eq!(fixture.rows(address).await[0]["address"], "http://a");
    assert!(row.heartbeat_age < super::fixture::LONG, "{:?}", row.heartbeat_age);
    assert_eq!(view.incumbent(), Incumbent::default());
}

pub(super) async fn a_process_that_registers_again_finds_its_own_row(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    assert_eq!(node.follower_heartbeat().await, Some(1));
    assert_eq!(node.register(None).await, Reply::Registered { seq: HeartbeatSeq::new(1) });
    let term = node.lead().await;
    // The claim has raised the row's count.
    assert_eq!(node.register(None).await, Reply::Registered { seq: HeartbeatSeq::new(2) });
    assert_eq!(node.renew(term).await, Some(3));
}

pub(super) async fn the_id_of_another_process_is_taken(fixture: Fixture) {
    let mut old = fixture.node("a").await;
    let mut new = old.successor(&fixture);
    let occupied = |leading| Reply::IdTaken { incarnation: old.who.incarnation, leading };
    let (by_follower, by_leader) = (occupied(false), occupied(true));
    assert_eq!(new.register(None).await, by_follower);
    let term = old.lead().await;
    let before = fixture.everything().await;
    assert_eq!(new.register(None).await, by_leader);
    // It leads by one of the tables only.
    fixture.sql("UPDATE node_records SET status = 'follower' WHERE election = $e").await;
    assert_eq!(new.register(None).await, by_leader);
    fixture.sql("UPDATE node_records SET status = 'leader' WHERE election = $e").await;
    assert_eq!(fixture.everything().await, before);
    old.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    assert_eq!(new.register(None).await, by_follower);
}

pub(super) async fn a_new_process_takes_a_followers_row_over(fixture: Fixture) {
    let (mut old, term) = fixture.leader("a").await;
    old.renew(term).await.unwrap();
    old.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    let mut new = fixture.process("a", 9);
    let take_over = Some(TakeOver::Follower(old.incarnation()));
    // The counter goes on, so that every node sees the row move.
    assert_eq!(new.register(take_over).await, Reply::Registered { seq: HeartbeatSeq::new(3) });
    let view = fixture.view().await;
    let row = view.node("a").unwrap();
    assert_eq!((row.incarnation, row.priority, row.term), (new.incarnation(), 9, term));
    assert_eq!(old.follower_heartbeat().await, None);
    assert_eq!(new.follower_heartbeat().await, Some(4));
    assert_eq!(old.register(None).await, Reply::IdTaken { incarnation: new.incarnation(), leading: false });
}

pub(super) async fn of_two_takers_one_wins(fixture: Fixture) {
    let mut holder = fixture.node("a").await;
    let (mut one, mut two) = (holder.successor(&fixture), holder.successor(&fixture));
    for _ in 0..15 {
        one.restart();
        two.restart();
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
        assert_eq!(holder.follower_heartbeat().await, None);
        std::mem::swap(&mut holder, winner);
        assert!(holder.follower_heartbeat().await.is_some());
    }
}

pub(super) async fn a_takeover_of_a_dead_leaders_row_ends_its_term(fixture: Fixture) {
    let (mut old, term) = fixture.leader("a").await;
    let mut new = old.successor(&fixture);
    let incumbent = new.view(&[]).await.incumbent();
    let take_over = Some(TakeOver::Leader { incarnation: old.incarnation(), incumbent });
    assert_eq!(new.register(take_over).await, Reply::Registered { seq: HeartbeatSeq::new(2) });
    let view = new.view(&[]).await;
    assert_eq!(view.newest_term().unwrap().end_reason, Some(EndReason::Replaced));
    assert_eq!(view.incumbent(), Incumbent::default());
    assert_eq!(view.node("a").unwrap().incarnation, new.incarnation());
    assert_eq!(old.renew(term).await, None);
    assert_eq!(new.lead().await, after(term));
}

pub(super) async fn a_takeover_of_a_leader_that_renewed_gives_up(fixture: Fixture) {
    let (mut old, term) = fixture.leader("a").await;
    let mut new = old.successor(&fixture);
    let incumbent = new.view(&[]).await.incumbent();
    old.renew(term).await.unwrap();
    let before = fixture.everything().await;
    let take_over = Some(TakeOver::Leader { incarnation: old.incarnation(), incumbent });
    let occupied = Reply::IdTaken { incarnation: old.incarnation(), leading: true };
    assert_eq!(new.register(take_over).await, occupied);
    assert_eq!(fixture.everything().await, before);
    assert!(old.renew(term).await.is_some());
}

pub(super) async fn a_takeover_of_a_follower_that_leads_by_now_gives_up(fixture: Fixture) {
    let (mut old, term) = fixture.leader("a").await;
    let mut new = old.successor(&fixture);
    let take_over = || Some(TakeOver::Follower(old.who.incarnation));
    let (first, second) = (take_over(), take_over());
    let occupied = Reply::IdTaken { incarnation: old.incarnation(), leading: true };
    assert_eq!(new.register(first).await, occupied);
    assert!(old.renew(term).await.is_some());
    // By the term alone.
    fixture.sql("UPDATE node_records SET status = 'follower' WHERE election = $e").await;
    assert_eq!(new.register(second).await, occupied);
}

/// The row to take over has been deleted in the meantime.
pub(super) async fn a_takeover_of_a_row_that_has_gone_makes_one(fixture: Fixture) {
    let mut old = fixture.node("a").await;
    old.ask(Request::Leave { end: None }).await;
    let mut new = old.successor(&fixture);
    let take_over = Some(TakeOver::Follower(old.incarnation()));
    assert_eq!(new.register(take_over).await, Reply::Registered { seq: HeartbeatSeq::new(0) });

    let (leader, term) = fixture.leader("b").await;
    let mut newer = leader.successor(&fixture);
    let incumbent = newer.view(&[]).await.incumbent();
    fixture.sql("DELETE FROM node_records WHERE election = $e AND id = 'b'").await;
    let take_over = Some(TakeOver::Leader { incarnation: leader.incarnation(), incumbent });
    assert_eq!(newer.register(take_over).await, Reply::Registered { seq: HeartbeatSeq::new(0) });
    // Its term is still open: nodes that saw it wait for its lease.
    assert_eq!(
        fixture.view().await.open_term().unwrap().leadership(),
        LeadershipId { term, incarnation: leader.incarnation() }
    );
}

pub(super) async fn a_registration_that_arrives_after_a_takeover_changes_nothing(fixture: Fixture) {
    let mut first = fixture.node("a").await;
    let (mut second, mut third) = (first.successor(&fixture), first.successor(&fixture));
    third.register(Some(TakeOver::Follower(first.incarnation()))).await;
    third.lead().await;
    let before = fixture.everything().await;
    let occupied = Reply::IdTaken { incarnation: third.incarnation(), leading: true };
    assert_eq!(first.register(None).await, occupied);
    assert_eq!(second.register(None).await, occupied);
    assert_eq!(second.register(Some(TakeOver::Follower(first.incarnation()))).await, occupied);
    assert_eq!(fixture.everything().await, before);
}

/// It leaves a follower's row without a process. The other nodes skip it soon.
pub(super) async fn a_registration_that_arrives_after_the_deregistration_does_no_harm(fixture: Fixture) {
    let (mut gone, term) = fixture.leader("a").await;
    gone.ask(Request::Leave { end: Some(EndReason::Resigned) }).await;
    assert_eq!(gone.register(None).await, Reply::Registered { seq: HeartbeatSeq::new(0) });
    let view = fixture.view().await;
    assert_eq!(view.incumbent(), Incumbent::default());
    assert_eq!((view.node("a").unwrap().term, view.node("a").unwrap().is_leader()), (Term::NONE, false));
    let mut other = fixture.node("b").await;
    assert_eq!(other.lead().await, after(term));
    let mut next = gone.successor(&fixture);
    let take_over = Some(TakeOver::Follower(gone.incarnation()));
    assert_eq!(next.register(take_over).await, Reply::Registered { seq: HeartbeatSeq::new(1) });
    assert!(other.renew(after(term)).await.is_some());
}
