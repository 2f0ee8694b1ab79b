//! Claims: everything is read again, and a term never comes back.

use super::bench::Bench;
use protocol::{Claim, ClaimRejected, EndReason, Reply, Request};

pub(super) async fn a_first_claim_opens_term_one(bench: Bench) {
    let mut node = bench.node("a").await;
    assert_eq!(node.claim().await, Reply::Claimed { term: 1 });
    let view = node.view(&[]).await;
    let (open, row) = (view.open_term().unwrap(), view.leader().unwrap());
    assert_eq!(open.key(), (1, node.incarnation()));
    assert_eq!((open.leader_id.as_str(), open.lease), ("a", node.who.lease));
    assert_eq!((row.id.as_str(), row.term), ("a", 1));
}

pub(super) async fn a_claim_ends_the_term_that_ran_out(bench: Bench) {
    let (mut old, term) = bench.leader("a").await;
    let mut new = bench.node("b").await;
    assert_eq!(new.claim().await, Reply::Claimed { term: term + 1 });
    let view = new.view(&[term]).await;
    assert_eq!(view.terms.iter().find(|row| row.term == term).unwrap().ended, Some(EndReason::Expired));
    assert_eq!(view.leader().unwrap().id, "b");
    assert!(!view.node("a").unwrap().leading);
    assert_eq!(old.renew(term).await, None);
    assert!(old.beat().await.is_some());
}

pub(super) async fn a_claim_against_a_moved_version_gives_up(bench: Bench) {
    let (mut leader, term) = bench.leader("a").await;
    let mut other = bench.node("b").await;
    let stale = other.view(&[]).await;
    let claim = other.claim_on(&stale);
    leader.renew(term).await.unwrap();
    let before = bench.everything().await;
    assert_eq!(
        other.ask(Request::Claim(claim.clone())).await,
        Reply::ClaimRejected(ClaimRejected::IncumbentChanged)
    );
    assert_eq!(bench.everything().await, before);
    // Nor against one that ended, or that began, meanwhile.
    leader.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    let vacant = other.view(&[]).await;
    assert_eq!(other.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::IncumbentChanged));
    leader.lead().await;
    let claim = other.claim_on(&vacant);
    assert_eq!(other.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::IncumbentChanged));
    assert_eq!(bench.terms().await, (2, 1));
}

pub(super) async fn a_claim_before_a_better_node_gives_up(bench: Bench) {
    let mut worse = bench.ranked("a", 1).await;
    let _better = bench.ranked("b", 2).await;
    let view = worse.view(&[]).await;
    let mut claim = worse.claim_on(&view);
    claim.contest = worse.contest(Vec::new());
    assert_eq!(
        worse.ask(Request::Claim(claim.clone())).await,
        Reply::ClaimRejected(ClaimRejected::BetterCandidate("b".to_owned()))
    );
    assert_eq!(bench.terms().await, (0, 0));
    bench.sql("UPDATE node_records SET eligible = FALSE WHERE election = $e AND id = 'b'").await;
    assert_eq!(worse.ask(Request::Claim(claim)).await, Reply::Claimed { term: 1 });
}

pub(super) async fn a_claim_of_a_node_without_its_row_gives_up(bench: Bench) {
    let mut node = bench.node("a").await;
    let view = node.view(&[]).await;
    let claim = node.claim_on(&view);
    bench.sql("DELETE FROM node_records WHERE election = $e").await;
    assert_eq!(
        node.ask(Request::Claim(claim.clone())).await,
        Reply::ClaimRejected(ClaimRejected::OwnRowChanged)
    );
    let mut new = node.successor(&bench);
    new.join().await;
    assert_eq!(node.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::OwnRowChanged));
    assert_eq!(bench.terms().await, (0, 0));
}

pub(super) async fn a_leader_claims_no_second_term(bench: Bench) {
    let (mut leader, _) = bench.leader("a").await;
    assert_eq!(leader.claim().await, Reply::ClaimRejected(ClaimRejected::OwnRowChanged));
    assert_eq!(bench.terms().await, (1, 1));
}

pub(super) async fn a_leaders_row_deleted_by_hand_does_not_stop_the_next_claim(bench: Bench) {
    let (mut leader, term) = bench.leader("a").await;
    let mut other = bench.node("b").await;
    bench.sql("DELETE FROM node_records WHERE election = $e AND id = 'a'").await;
    let view = other.view(&[]).await;
    assert!(view.open_term().is_some() && view.leader().is_none());
    assert_eq!(other.claim().await, Reply::Claimed { term: term + 1 });
    assert_eq!(leader.renew(term).await, None);
}

pub(super) async fn a_row_that_says_leader_without_a_term_is_demoted(bench: Bench) {
    let _other = bench.node("a").await;
    bench.sql("UPDATE node_records SET status = 'leader', term = 7 WHERE election = $e").await;
    let mut node = bench.node("b").await;
    assert!(node.view(&[]).await.incumbent().row.is_some());
    assert_eq!(node.claim().await, Reply::Claimed { term: 8 });
    assert!(!node.view(&[]).await.node("a").unwrap().leading);
}

pub(super) async fn terms_go_on_after_every_node_row_was_deleted(bench: Bench) {
    for expected in 1..=3 {
        let mut node = bench.node("a").await;
        assert_eq!(node.lead().await, expected);
        bench.sql("DELETE FROM node_records WHERE election = $e").await;
    }
    // Restarted gracefully, too.
    for expected in 4..=5 {
        let mut node = bench.node("a").await;
        assert_eq!(node.lead().await, expected);
        node.ask(Request::Leave { end: Some(EndReason::Resigned) }).await;
    }
}

pub(super) async fn a_claim_goes_above_its_floor(bench: Bench) {
    let mut node = bench.node("a").await;
    let view = node.view(&[]).await;
    let mut claim = node.claim_on(&view);
    claim.floor = 41;
    assert_eq!(node.ask(Request::Claim(claim)).await, Reply::Claimed { term: 42 });
    assert!(node.renew(42).await.is_some());
}

pub(super) async fn a_leadership_begins_in_a_version_of_its_own(bench: Bench) {
    let mut node = bench.node("a").await;
    for beats in [0, 1, 7] {
        let view = node.view(&[]).await;
        let claim = Claim { beats, ..node.claim_on(&view) };
        let Reply::Claimed { term } = node.ask(Request::Claim(claim)).await else { panic!("no claim") };
        assert_eq!(node.view(&[]).await.leader().unwrap().seq, beats + 1);
        node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    }
}

/// Its node has given it up, and has gone on.
pub(super) async fn a_claim_that_arrives_after_a_later_heartbeat_gives_up(bench: Bench) {
    let mut node = bench.node("a").await;
    let view = node.view(&[]).await;
    let claim = node.claim_on(&view);
    assert_eq!(node.heartbeat(None, true, claim.beats + 1).await, Some(claim.beats + 2));
    assert_eq!(node.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::OwnRowChanged));
    assert_eq!(bench.terms().await, (0, 0));
}

pub(super) async fn a_claim_goes_above_every_node_rows_term(bench: Bench) {
    let _forgotten = bench.node("z").await;
    // Not among the rows that a look shows.
    bench.sql("UPDATE node_records SET term = 41, eligible = FALSE WHERE election = $e").await;
    let mut node = bench.node("a").await;
    assert_eq!(node.view(&[]).await.highest_term(), 0);
    assert_eq!(node.lead().await, 42);
}

pub(super) async fn the_newest_term_cannot_be_deleted(bench: Bench) {
    let (mut leader, term) = bench.leader("a").await;
    leader.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    assert_eq!(leader.lead().await, 2);
    leader.ask(Request::EndTerm { term: 2, reason: EndReason::Resigned }).await;
    assert!(bench.try_sql("DELETE FROM election_terms WHERE election = $e").await.is_err());
    assert!(bench.try_sql("DELETE FROM election_terms WHERE election = $e AND term = 2").await.is_err());
    assert!(
        bench.try_sql("UPDATE election_terms SET term = 0 WHERE election = $e AND term = 2").await.is_err()
    );
    assert_eq!(bench.sql("DELETE FROM election_terms WHERE election = $e AND term = 1").await, 1);
    assert_eq!(leader.lead().await, 3);
}

pub(super) async fn elections_keep_out_of_each_others_way(bench: Bench) {
    let (mut here, term) = bench.leader("a").await;
    here.renew(term).await.unwrap();
    let before = bench.everything().await;
    let mut there = bench.process_of(&format!("{}-2", bench.election), "a", 9);
    there.join().await;
    assert_eq!(there.lead().await, 1);
    assert_eq!(there.view(&[]).await.nodes.len(), 1);
    there.ask(Request::Leave { end: Some(EndReason::Resigned) }).await;
    assert_eq!(bench.everything().await, before);
}
