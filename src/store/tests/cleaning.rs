//! Cleanup: which rows it deletes, and which stay at any age.

use std::time::Duration;

use super::fixture::{Fixture, Node};
use protocol::{EndReason, Reply, Request, Term};

const LONG_AGO: &str =
    "UPDATE node_records SET last_heartbeat = '2001-01-01 00:00:00.000+00:00' WHERE election = $e";

async fn clean(node: &mut Node) -> (u64, u64) {
    match node.ask(Request::Cleanup { older_than: Duration::from_secs(60) }).await {
        Reply::Cleaned { nodes, terms } => (nodes, terms),
        other => panic!("a cleanup was answered with {other:?}"),
    }
}

pub(super) async fn rows_without_a_heartbeat_are_deleted(fixture: Fixture) {
    let (mut leader, _) = fixture.leader("a").await;
    let _others = (fixture.node("b").await, fixture.node("c").await, fixture.node("d").await);
    assert_eq!(clean(&mut leader).await, (0, 0));
    fixture.sql(&format!("{LONG_AGO} AND id IN ('b', 'd')")).await;
    assert_eq!(clean(&mut leader).await, (2, 0));
    let left = fixture.rows("SELECT id FROM node_records WHERE election = $e ORDER BY id").await;
    assert_eq!(left.iter().map(|row| row["id"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "c"]);
}

pub(super) async fn a_row_just_short_of_the_age_stays(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    let _other = fixture.node("b").await;
    let clean = |older_than| Request::Cleanup { older_than };
    assert_eq!(node.ask(clean(super::fixture::LONG)).await, Reply::Cleaned { nodes: 0, terms: 0 });
    testkit::eventually("the row to grow older than a few milliseconds", super::fixture::LONG, async || {
        node.ask(clean(Duration::from_millis(3))).await == Reply::Cleaned { nodes: 1, terms: 0 }
    })
    .await;
}

pub(super) async fn leaders_and_its_own_row_stay_at_any_age(fixture: Fixture) {
    let (_leader, _) = fixture.leader("a").await;
    let mut cleaner = fixture.node("b").await;
    fixture.sql(LONG_AGO).await;
    assert_eq!(clean(&mut cleaner).await, (0, 0));
    // The open term's leader, whatever its row says, and a row with status leader, whatever the terms say.
    fixture.sql("UPDATE node_records SET status = 'follower' WHERE election = $e").await;
    assert_eq!(clean(&mut cleaner).await, (0, 0));
    fixture.sql("UPDATE node_records SET status = 'leader' WHERE election = $e AND id = 'a'").await;
    fixture.sql("UPDATE election_terms SET ended_at = started_at WHERE election = $e").await;
    assert_eq!(clean(&mut cleaner).await, (0, 0));
    fixture.sql("UPDATE node_records SET status = 'candidate' WHERE election = $e").await;
    assert_eq!(clean(&mut cleaner).await, (1, 0));
}

pub(super) async fn the_newest_terms_are_kept(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    assert_eq!(clean(&mut node).await, (0, 0));
    for expected in 1..=7 {
        let term = node.lead().await;
        assert_eq!(term.get(), expected);
        if expected < 7 {
            node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
        }
    }
    // The fixture's nodes keep three terms.
    assert_eq!(clean(&mut node).await, (0, 4));
    let kept = fixture.rows("SELECT term FROM election_terms WHERE election = $e ORDER BY term").await;
    assert_eq!(kept.iter().map(|row| row["term"].as_i64().unwrap()).collect::<Vec<_>>(), [5, 6, 7]);
    assert_eq!(clean(&mut node).await, (0, 0));
    node.who.term_history = 1;
    node.store = super::Store::new(fixture.spec(), node.who.clone());
    assert_eq!(clean(&mut node).await, (0, 2));
    assert!(node.renew(Term::new(7)).await.is_some());
}

pub(super) async fn an_open_term_stays_although_it_is_old(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    for _ in 0..5 {
        let term = node.lead().await;
        node.ask(Request::EndTerm { term, reason: EndReason::Resigned }).await;
    }
    fixture.sql("UPDATE election_terms SET ended_at = NULL WHERE election = $e AND term = 1").await;
    assert_eq!(clean(&mut node).await, (0, 1));
    assert_eq!(fixture.view().await.open_term().unwrap().term, Term::new(1));
}

pub(super) async fn other_elections_are_left_alone(fixture: Fixture) {
    let _old = fixture.node("a").await;
    fixture.sql(LONG_AGO).await;
    let before = fixture.everything().await;
    let mut elsewhere = fixture.process_of(&format!("{}-2", fixture.election), "b", 0);
    elsewhere.join().await;
    assert_eq!(clean(&mut elsewhere).await, (0, 0));
    assert_eq!(fixture.everything().await, before);
}

/// One cleanup must not block the database; the next one continues.
pub(super) async fn a_cleanup_deletes_a_bounded_number_of_rows(fixture: Fixture) {
    let mut cleaner = fixture.node("a").await;
    super::observing::crowd(&fixture, 503).await;
    fixture.sql(&format!("{LONG_AGO} AND id <> 'a'")).await;
    assert_eq!(clean(&mut cleaner).await, (500, 0));
    assert_eq!(clean(&mut cleaner).await, (3, 0));
    let terms: Vec<_> = (1..=507)
        .map(|term| {
            let incarnation = super::observing::incarnation(&fixture, term);
            let stamp = "'2026-01-01 00:00:00.000+00:00'";
            format!("($e, {term}, 'a', {incarnation}, 1, {stamp}, {stamp}, 'resigned')")
        })
        .collect();
    let insert = "INSERT INTO election_terms (election, term, leader_id, incarnation, lease_ms, started_at, ended_at, end_reason)";
    fixture.sql(&format!("{insert} VALUES {}", terms.join(","))).await;
    assert_eq!(clean(&mut cleaner).await, (0, 500));
    assert_eq!(clean(&mut cleaner).await, (0, 4));
}
