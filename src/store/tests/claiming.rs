//! Claims: everything is read again, and a term never comes back.

use super::fixture::{Fixture, after};
use protocol::{Belief, Claim, ClaimRejected, EndReason, HeartbeatSeq, LeadershipId, Reply, Request, Term};

pub(super) async fn a_first_claim_opens_term_one(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    assert_eq!(node.claim().await, Reply::Claimed { term: Term::new(1) });
    let view = node.view(&[]).await;
    let (open, row) = (view.open_term().unwrap(), view.leader().unwrap());
    assert_eq!(open.leadership(), LeadershipId { term: Term::new(1), incarnation: node.incarnation() });
    assert_eq!((open.leader_id.as_str(), open.lease_duration), ("a", node.who.lease_duration));
    assert_eq!((row.id.as_str(), row.term), ("a", Term::new(1)));
}

pub(super) async fn a_claim_ends_the_term_that_ran_out(fixture: Fixture) {
    let (mut old, term) = fixture.leader("a").await;
    let mut new = fixture.node("b").await;
    assert_eq!(new.claim().await, Reply::Claimed { term: after(term) });
    let view = new.view(&[term]).await;
    assert_eq!(view.terms.iter().find(|row| row.term == term).unwrap().end_reason, Some(EndReason::Expired));
    assert_eq!(view.leader().unwrap().id, "b");
    assert!(!view.node("a").unwrap().is_leader());
    assert_eq!(old.renew(term).await, None);
    assert!(old.follower_heartbeat().await.is_some());
}

pub(super) async fn a_claim_against_a_moved_version_gives_up(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    let mut other = fixture.node("b").await;
    let stale = other.view(&[]).await;
    let claim = other.claim_on(&stale);
    leader.renew(term).await.unwrap();
    let before = fixture.everything().await;
    assert_eq!(
        other.ask(Request::Claim(claim.clone())).await,
        Reply::ClaimRejected(ClaimRejected::IncumbentChanged)
    );
    assert_eq!(fixture.everything().await, before);
    // Nor does a claim succeed against one that has ended, or that has begun in the meantime.
    leader.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    let vacant = other.view(&[]).await;
    assert_eq!(other.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::IncumbentChanged));
    leader.lead().await;
    let claim = other.claim_on(&vacant);
    assert_eq!(other.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::IncumbentChanged));
    assert_eq!(fixture.terms().await, (2, 1));
}

pub(super) async fn a_claim_before_a_better_node_gives_up(fixture: Fixture) {
    let mut worse = fixture.ranked("a", 1).await;
    let _better = fixture.ranked("b", 2).await;
    let view = worse.view(&[]).await;
    let mut claim = worse.claim_on(&view);
    claim.electorate = worse.electorate(Vec::new());
    assert_eq!(
        worse.ask(Request::Claim(claim.clone())).await,
        Reply::ClaimRejected(ClaimRejected::BetterCandidate("b".to_owned()))
    );
    assert_eq!(fixture.terms().await, (0, 0));
    fixture.sql("UPDATE node_records SET eligible = FALSE WHERE election = $e AND id = 'b'").await;
    assert_eq!(worse.ask(Request::Claim(claim)).await, Reply::Claimed { term: Term::new(1) });
}

pub(super) async fn a_claim_of_a_node_without_its_row_gives_up(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    let view = node.view(&[]).await;
    let claim = node.claim_on(&view);
    fixture.sql("DELETE FROM node_records WHERE election = $e").await;
    assert_eq!(
        node.ask(Request::Claim(claim.clone())).await,
        Reply::ClaimRejected(ClaimRejected::OwnRowChanged)
    );
    let mut new = node.successor(&fixture);
    new.join().await;
    assert_eq!(node.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::OwnRowChanged));
    assert_eq!(fixture.terms().await, (0, 0));
}

pub(super) async fn a_leader_claims_no_second_term(fixture: Fixture) {
    let (mut leader, _) = fixture.leader("a").await;
    assert_eq!(leader.claim().await, Reply::ClaimRejected(ClaimRejected::OwnRowChanged));
    assert_eq!(fixture.terms().await, (1, 1));
}

pub(super) async fn a_leaders_row_deleted_by_hand_does_not_stop_the_next_claim(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    let mut other = fixture.node("b").await;
    fixture.sql("DELETE FROM node_records WHERE election = $e AND id = 'a'").await;
    let view = other.view(&[]).await;
    assert!(view.open_term().is_some() && view.leader().is_none());
    assert_eq!(other.claim().await, Reply::Claimed { term: after(term) });
    assert_eq!(leader.renew(term).await, None);
}

pub(super) async fn a_row_with_status_leader_without_a_term_is_demoted(fixture: Fixture) {
    let _other = fixture.node("a").await;
    fixture.sql("UPDATE node_records SET status = 'leader', term = 7 WHERE election = $e").await;
    let mut node = fixture.node("b").await;
    assert!(node.view(&[]).await.incumbent().row.is_some());
    assert_eq!(node.claim().await, Reply::Claimed { term: Term::new(8) });
    assert!(!node.view(&[]).await.node("a").unwrap().is_leader());
}

pub(super) async fn terms_go_on_after_every_node_row_was_deleted(fixture: Fixture) {
    for expected in 1..=3 {
        let mut node = fixture.node("a").await;
        assert_eq!(node.lead().await.get(), expected);
        fixture.sql("DELETE FROM node_records WHERE election = $e").await;
    }
    // The same with graceful restarts.
    for expected in 4..=5 {
        let mut node = fixture.node("a").await;
        assert_eq!(node.lead().await.get(), expected);
        node.ask(Request::Leave { end: Some(EndReason::Resigned) }).await;
    }
}

pub(super) async fn a_claim_goes_above_its_floor(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    let view = node.view(&[]).await;
    let mut claim = node.claim_on(&view);
    claim.min_term = Term::new(41);
    assert_eq!(node.ask(Request::Claim(claim)).await, Reply::Claimed { term: Term::new(42) });
    assert!(node.renew(Term::new(42)).await.is_some());
}

pub(super) async fn a_leadership_begins_in_a_version_of_its_own(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    for floor in [0, 1, 7] {
        let view = node.view(&[]).await;
        let claim = Claim { seq_floor: HeartbeatSeq::new(floor), ..node.claim_on(&view) };
        let Reply::Claimed { term } = node.ask(Request::Claim(claim)).await else { panic!("no claim") };
        assert_eq!(node.view(&[]).await.leader().unwrap().heartbeat_seq.get(), floor + 1);
        node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    }
}

/// The node has given the claim up and sent a later heartbeat.
pub(super) async fn a_claim_that_arrives_after_a_later_heartbeat_gives_up(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    let view = node.view(&[]).await;
    let claim = node.claim_on(&view);
    let floor = claim.seq_floor.get();
    assert_eq!(node.heartbeat(Belief::Candidate, floor + 1).await, Some(floor + 2));
    assert_eq!(node.ask(Request::Claim(claim)).await, Reply::ClaimRejected(ClaimRejected::OwnRowChanged));
    assert_eq!(fixture.terms().await, (0, 0));
}

pub(super) async fn a_claim_goes_above_every_node_rows_term(fixture: Fixture) {
    let _forgotten = fixture.node("z").await;
    // This row is not among those in a snapshot.
    fixture.sql("UPDATE node_records SET term = 41, eligible = FALSE WHERE election = $e").await;
    let mut node = fixture.node("a").await;
    assert_eq!(node.view(&[]).await.highest_term(), Term::NONE);
    assert_eq!(node.lead().await, Term::new(42));
}

pub(super) async fn the_newest_term_cannot_be_deleted(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    leader.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    assert_eq!(leader.lead().await, Term::new(2));
    leader.ask(Request::EndTerm { term: Term::new(2), reason: EndReason::Resigned }).await;
    assert!(fixture.try_sql("DELETE FROM election_terms WHERE election = $e").await.is_err());
    assert!(fixture.try_sql("DELETE FROM election_terms WHERE election = $e AND term = 2").await.is_err());
    assert!(
        fixture.try_sql("UPDATE election_terms SET term = 0 WHERE election = $e AND term = 2").await.is_err()
    );
    assert_eq!(fixture.sql("DELETE FROM election_terms WHERE election = $e AND term = 1").await, 1);
    assert_eq!(leader.lead().await, Term::new(3));
}

pub(super) async fn elections_do_not_affect_each_other(fixture: Fixture) {
    let (mut here, term) = fixture.leader("a").await;
    here.renew(term).await.unwrap();
    let before = fixture.everything().await;
    let mut there = fixture.process_of(&format!("{}-2", fixture.election), "a", 9);
    there.join().await;
    assert_eq!(there.lead().await, Term::new(1));
    assert_eq!(there.view(&[]).await.nodes.len(), 1);
    there.ask(Request::Leave { end: Some(EndReason::Resigned) }).await;
    assert_eq!(fixture.everything().await, before);
}
