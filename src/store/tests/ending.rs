//! Terms that end, and nodes that leave.

use super::fixture::{Fixture, after};
use protocol::{EndReason, Incumbent, Reply, Request, Term};

fn end(term: Term) -> Request {
    Request::EndTerm { term, reason: EndReason::Resigned }
}

pub(super) async fn a_term_ends_once(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    assert_eq!(leader.ask(end(term)).await, Reply::TermEnded);
    let view = fixture.view().await;
    assert_eq!(view.newest_term().unwrap().end_reason, Some(EndReason::Resigned));
    assert_eq!(view.incumbent(), Incumbent::default());
    let before = fixture.everything().await;
    let again = Request::EndTerm { term, reason: EndReason::Lapsed };
    assert_eq!(leader.ask(again).await, Reply::TermEnded);
    assert_eq!(fixture.everything().await, before);
}

pub(super) async fn the_end_of_a_term_is_bound_to_it_and_to_its_process(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    leader.ask(end(term)).await;
    let second = leader.lead().await;
    let before = fixture.everything().await;
    // A late request for the first one; one from another process of the same id; one from another node.
    leader.ask(end(term)).await;
    leader.successor(&fixture).ask(end(second)).await;
    fixture.process("b", 0).ask(end(second)).await;
    assert_eq!(fixture.everything().await, before);
    assert!(leader.renew(second).await.is_some());
}

pub(super) async fn its_own_row_is_demoted_if_the_terms_row_is_gone(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    // A higher term, so that the leader's may be deleted.
    fixture
        .sql(
            "INSERT INTO election_terms (election, term, leader_id, incarnation, lease_ms, started_at, ended_at)
             SELECT election, term + 1, leader_id, incarnation, lease_ms, started_at, started_at
             FROM election_terms WHERE election = $e",
        )
        .await;
    fixture.sql("DELETE FROM election_terms WHERE election = $e AND term = 1").await;
    assert!(fixture.view().await.leading_row().is_some());
    assert_eq!(leader.ask(end(term)).await, Reply::TermEnded);
    assert!(fixture.view().await.leading_row().is_none());
    assert_eq!(leader.lead().await, after(after(term)));
}

pub(super) async fn its_own_term_ends_if_the_row_is_gone(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    fixture.sql("DELETE FROM node_records WHERE election = $e").await;
    assert_eq!(leader.ask(end(term)).await, Reply::TermEnded);
    assert!(fixture.view().await.open_term().is_none());
}

pub(super) async fn a_leader_that_leaves_takes_its_row_and_ends_its_term(fixture: Fixture) {
    let (mut leader, _) = fixture.leader("a").await;
    let leave = Request::Leave { end: Some(EndReason::Resigned) };
    assert_eq!(leader.ask(leave.clone()).await, Reply::Left);
    let view = fixture.view().await;
    assert_eq!(view.nodes, []);
    assert_eq!(view.newest_term().unwrap().end_reason, Some(EndReason::Resigned));
    assert_eq!(leader.ask(leave).await, Reply::Left);
    assert_eq!(fixture.terms().await, (1, 0));
}

pub(super) async fn a_follower_that_leaves_takes_only_its_row(fixture: Fixture) {
    let (_leader, _) = fixture.leader("a").await;
    let mut follower = fixture.node("b").await;
    assert_eq!(follower.ask(Request::Leave { end: None }).await, Reply::Left);
    assert_eq!(follower.ask(Request::Leave { end: None }).await, Reply::Left);
    let view = fixture.view().await;
    assert_eq!(view.nodes.len(), 1);
    assert_eq!(view.leader().unwrap().id, "a");
}

/// The node does not know of its leadership: a claim that it had given up succeeded after all.
pub(super) async fn a_leader_that_leaves_as_a_follower_takes_its_row_and_ends_its_term(fixture: Fixture) {
    let (mut leader, _) = fixture.leader("a").await;
    assert_eq!(leader.ask(Request::Leave { end: None }).await, Reply::Left);
    let view = fixture.view().await;
    assert_eq!(view.nodes, []);
    assert_eq!(view.newest_term().unwrap().end_reason, Some(EndReason::Lapsed));
}

pub(super) async fn leaving_is_bound_to_the_process(fixture: Fixture) {
    let (leader, _) = fixture.leader("a").await;
    let before = fixture.everything().await;
    for leave in [None, Some(EndReason::Replaced)] {
        leader.successor(&fixture).ask(Request::Leave { end: leave }).await;
        fixture.process("b", 0).ask(Request::Leave { end: leave }).await;
    }
    assert_eq!(fixture.everything().await, before);
}
