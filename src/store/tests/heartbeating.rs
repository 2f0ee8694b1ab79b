//! Heartbeats: bound to what the node believes.

use super::fixture::{Fixture, after};
use protocol::{Belief, EndReason, Request, TakeOver, Term};

pub(super) async fn a_heartbeat_counts_up_and_writes_candidate(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    let status = "SELECT CAST(status AS text) AS status FROM node_records WHERE election = $e";
    for (seq, belief, said) in [
        (1, Belief::Follower, "follower"),
        (2, Belief::Candidate, "candidate"),
        (3, Belief::Follower, "follower"),
    ] {
        assert_eq!(node.heartbeat(belief, seq - 1).await, Some(seq));
        assert_eq!(fixture.rows(status).await[0]["status"], said);
    }
}

pub(super) async fn a_heartbeat_is_bound_to_incarnation_and_status(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    let mut other = leader.successor(&fixture);
    let before = fixture.everything().await;
    // A follower's heartbeat on a leader's row; anything of another process; a renewal of another term.
    assert_eq!(leader.follower_heartbeat().await, None);
    assert_eq!(other.follower_heartbeat().await, None);
    assert_eq!(other.renew(term).await, None);
    assert_eq!(leader.renew(Term::new(term.get() - 1)).await, None);
    assert_eq!(leader.renew(after(term)).await, None);
    assert_eq!(fixture.everything().await, before);
    assert_eq!(leader.renew(term).await, Some(2));
    assert_eq!(fixture.process("b", 0).follower_heartbeat().await, None);
}

pub(super) async fn a_renewal_is_bound_to_its_term_being_open(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    // An open term of another election does not count.
    let mut elsewhere = fixture.process_of(&format!("{}-2", fixture.election), "a", 0);
    elsewhere.join().await;
    assert_eq!(elsewhere.lead().await, term);
    fixture.sql("UPDATE election_terms SET ended_at = started_at WHERE election = $e").await;
    assert_eq!(leader.renew(term).await, None);
    assert_eq!(elsewhere.renew(term).await, Some(2));
    fixture.sql("UPDATE election_terms SET ended_at = NULL WHERE election = $e").await;
    assert_eq!(leader.renew(term).await, Some(2));
}

pub(super) async fn a_renewal_of_an_earlier_term_renews_nothing(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    leader.ask(Request::EndTerm { term, reason: EndReason::Lapsed }).await;
    assert_eq!(leader.renew(term).await, None);
    assert_eq!(leader.lead().await, after(term));
    let before = fixture.everything().await;
    assert_eq!(leader.renew(term).await, None);
    assert_eq!(fixture.everything().await, before);
    assert!(leader.renew(after(term)).await.is_some());
}

/// Earlier heartbeats may have been lost, or forgotten by the database.
pub(super) async fn a_heartbeat_writes_the_count_it_was_given(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    assert_eq!(node.heartbeat(Belief::Follower, 41).await, Some(42));
    assert_eq!(node.heartbeat(Belief::Follower, 42).await, Some(43));
    let term = node.lead().await;
    assert_eq!(node.heartbeat(Belief::Leader(term), 99).await, Some(100));
}

/// Otherwise it would write a count that a later one will write. If the database then forgot it, the two versions
/// could not be distinguished.
pub(super) async fn a_heartbeat_that_arrives_after_a_later_one_does_nothing(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    assert_eq!(node.heartbeat(Belief::Follower, 5).await, Some(6));
    let before = fixture.everything().await;
    assert_eq!(node.heartbeat(Belief::Follower, 5).await, None);
    assert_eq!(node.heartbeat(Belief::Candidate, 0).await, None);
    assert_eq!(fixture.everything().await, before);
    let term = node.lead().await;
    assert_eq!(node.heartbeat(Belief::Leader(term), 9).await, Some(10));
    let before = fixture.everything().await;
    assert_eq!(node.heartbeat(Belief::Leader(term), 9).await, None);
    assert_eq!(node.heartbeat(Belief::Leader(term), 8).await, None);
    assert_eq!(fixture.everything().await, before);
}

pub(super) async fn a_heartbeat_of_a_row_deleted_by_hand_is_none(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    fixture.sql("DELETE FROM node_records WHERE election = $e").await;
    assert_eq!(leader.renew(term).await, None);
    assert_eq!(leader.follower_heartbeat().await, None);
    assert_eq!(fixture.number("SELECT count(*) FROM node_records WHERE election = $e").await, 0);
}

/// The time stamp is the database's, whatever the row had before.
pub(super) async fn every_sign_of_life_stamps_the_row(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    let forget = "UPDATE node_records SET last_heartbeat = '2001-01-01 00:00:00.000+00:00', \
                  updated_at = '2001-01-01 00:00:00.000+00:00' WHERE election = $e";
    let stamped = "SELECT count(*) FROM node_records WHERE election = $e AND last_heartbeat > '2020-01-01' \
                   AND updated_at > '2020-01-01'";
    fixture.sql(forget).await;
    assert_eq!(fixture.number(stamped).await, 0);
    node.follower_heartbeat().await.unwrap();
    assert_eq!(fixture.number(stamped).await, 1, "a heartbeat");
    fixture.sql(forget).await;
    let term = node.lead().await;
    assert_eq!(fixture.number(stamped).await, 1, "a claim");
    fixture.sql(forget).await;
    node.renew(term).await.unwrap();
    assert_eq!(fixture.number(stamped).await, 1, "a renewal");
    // This is a change, but not a heartbeat.
    fixture.sql(forget).await;
    node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    let updated = "SELECT count(*) FROM node_records WHERE election = $e AND updated_at > '2020-01-01' \
                   AND last_heartbeat < '2020-01-01'";
    assert_eq!(fixture.number(updated).await, 1, "the end of a term");
    fixture.sql(forget).await;
    let mut successor = node.successor(&fixture);
    successor.register(Some(TakeOver::Follower(node.incarnation()))).await;
    assert_eq!(fixture.number(stamped).await, 1, "a take-over");
}
