//! Snapshots: what they show, and how nodes rank.

use sea_orm::DbBackend;

use super::fixture::Fixture;
use protocol::{EndReason, NodeRow, Request, Term, rank};

/// An incarnation as a literal.
pub(super) fn incarnation(fixture: &Fixture, n: u32) -> String {
    match fixture.raw.get_database_backend() {
        DbBackend::Sqlite => format!("x'{n:032}'"),
        _ => format!("'00000000-0000-0000-0000-{n:012}'"),
    }
}

/// Inserts many rows by hand: `n001` with priority 1, and so on.
pub(super) async fn crowd(fixture: &Fixture, size: u32) {
    let rows: Vec<String> = (1..=size)
        .map(|n| {
            let incarnation = incarnation(fixture, n);
            let stamp = "'2026-01-01 00:00:00.000+00:00'";
            format!(
                "($e, 'n{n:03}', {incarnation}, 'follower', {n}, TRUE, 0, 0, {stamp}, 1000, \
                 {stamp}, {stamp})"
            )
        })
        .collect();
    fixture
        .sql(&format!(
            "INSERT INTO node_records (election, id, incarnation, status, priority, eligible, term, heartbeat_seq,
                last_heartbeat, lease_ms, created_at, updated_at) VALUES {}",
            rows.join(",")
        ))
        .await;
}

pub(super) async fn a_snapshot_shows_few_rows_of_many(fixture: Fixture) {
    let (_leader, _) = fixture.leader("n000").await;
    crowd(&fixture, 300).await;
    let mut me = fixture.node("me").await;
    fixture.sql("UPDATE election_terms SET successor = 'n042' WHERE election = $e").await;
    fixture.sql("UPDATE node_records SET eligible = FALSE WHERE election = $e AND id = 'n298'").await;
    let view = me.view(&[]).await;
    let mut shown: Vec<&str> = view.nodes.iter().map(|row| row.id.as_str()).collect();
    shown.sort_unstable();
    // The eight best eligible rows, and three that are read for another reason.
    assert_eq!(shown[..3], ["me", "n000", "n042"]);
    assert_eq!(shown[3..], ["n292", "n293", "n294", "n295", "n296", "n297", "n299", "n300"]);
    assert_eq!(view.leader().unwrap().id, "n000");
    assert_eq!(view.newest_term().unwrap().successor.as_deref(), Some("n042"));
}

pub(super) async fn a_snapshot_shows_each_row_once(fixture: Fixture) {
    let (mut leader, term) = fixture.leader("a").await;
    fixture.sql("UPDATE election_terms SET successor = 'a' WHERE election = $e").await;
    let view = leader.view(&[term, term]).await;
    assert_eq!((view.terms.len(), view.nodes.len()), (1, 1));
}

pub(super) async fn a_snapshot_shows_the_requested_terms(fixture: Fixture) {
    let mut node = fixture.node("a").await;
    for reason in [
        EndReason::Resigned,
        EndReason::Transferred,
        EndReason::Preempted,
        EndReason::Lapsed,
        EndReason::Expired,
        EndReason::Replaced,
    ] {
        let term = node.lead().await;
        node.ask(Request::EndTerm { term, reason }).await;
        let view = node.view(&[]).await;
        assert_eq!(view.newest_term().unwrap().end_reason, Some(reason));
        assert_eq!(view.terms.len(), 1);
    }
    let view = node.view(&[2, 4, 99].map(Term::new)).await;
    let mut terms: Vec<i64> = view.terms.iter().map(|row| row.term.get()).collect();
    terms.sort_unstable();
    assert_eq!(terms, [2, 4, 6]);
}

/// Of equal priorities the database reads those that the rules rank best: both compare ids by bytes.
pub(super) async fn the_best_rows_are_the_best_by_the_rules(fixture: Fixture) {
    let ids = [
        "a", "B", "é", "e", "z", "Z", "node-10", "node-2", "node_1", "node 1", "ñ", "ß", "ss", "日本", "~",
        "0",
    ];
    let mut node = fixture.process("", 0);
    for (n, id) in ids.iter().enumerate() {
        node.who.node_id = (*id).to_owned();
        node.who.priority = i32::from(n % 4 == 3);
        node.restart();
        node.join().await;
    }
    let mut all: Vec<NodeRow> = Vec::new();
    for id in ids {
        let view = fixture.view_of(id).await;
        all.extend(view.node(id).cloned());
    }
    all.sort_by(|one, other| rank(one).cmp(&rank(other)));
    let best: Vec<&str> = all.iter().take(8).map(|row| row.id.as_str()).collect();
    assert_eq!(best, ["0", "e", "node-2", "ß", "B", "Z", "a", "node 1"]);
    let view = fixture.view().await;
    let mut shown: Vec<&NodeRow> = view.nodes.iter().collect();
    shown.sort_by(|one, other| rank(one).cmp(&rank(other)));
    assert_eq!(shown.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), best);
}

/// The database's clock went back. That makes no node count as dead.
pub(super) async fn a_row_from_the_future_counts_as_new(fixture: Fixture) {
    let _node = fixture.node("a").await;
    let at = |stamp: &str| format!("UPDATE node_records SET last_heartbeat = '{stamp}' WHERE election = $e");
    fixture.sql(&at("2100-01-01 00:00:00.000+00:00")).await;
    assert_eq!(fixture.view().await.node("a").unwrap().heartbeat_age, std::time::Duration::ZERO);
    fixture.sql(&at("2001-01-01 00:00:00.000+00:00")).await;
    let age = fixture.view().await.node("a").unwrap().heartbeat_age;
    assert!(age > std::time::Duration::from_secs(20 * 365 * 24 * 3600), "{age:?}");
}
