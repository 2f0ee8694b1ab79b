//! What the application reads.

use std::time::Duration;

use sea_orm::DbBackend;

use super::fixture::Fixture;
use super::fixture::LONG;
use crate::store::Reader;

/// Sets a node's last heartbeat to so many seconds ago.
async fn age(fixture: &Fixture, id: &str, seconds: i64) {
    let then = match fixture.raw.get_database_backend() {
        DbBackend::Sqlite => format!("strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', '{} seconds')", -seconds),
        _ => format!("clock_timestamp() - interval '{seconds} seconds'"),
    };
    let sql = format!("UPDATE node_records SET last_heartbeat = {then} WHERE election = $e AND id = '{id}'");
    assert_eq!(fixture.sql(&sql).await, 1);
}

fn reader(fixture: &Fixture) -> Reader {
    Reader::new(fixture.spec(), fixture.election.clone(), Duration::from_secs(60))
}

async fn leader(fixture: &Fixture) -> Option<String> {
    reader(fixture).leader(LONG).await.unwrap().map(|leader| leader.id)
}

pub(super) async fn the_live_nodes_are_read_best_first(fixture: Fixture) {
    let _low = fixture.ranked("low", -1).await;
    let _best = fixture.ranked("best", 9).await;
    let _tie = fixture.ranked("also", 9).await;
    let _dead = fixture.ranked("dead", 99).await;
    fixture.process_of(&format!("{}-2", fixture.election), "other", 0).join().await;
    age(&fixture, "dead", 3600).await;
    let nodes = reader(&fixture).nodes(LONG).await.unwrap();
    let ids: Vec<_> = nodes.iter().map(|node| node.id.as_str()).collect();
    assert_eq!(ids, ["also", "best", "low"]);
    assert_eq!(nodes[0].address.as_deref(), Some("http://also"));
    assert!(nodes[0].eligible && nodes[0].priority == 9 && nodes[0].heartbeat_age < LONG, "{:?}", nodes[0]);
}

/// A row with status leader that is not the open term's does not count.
pub(super) async fn a_leader_is_the_one_whose_row_agrees_with_the_open_term(mut fixture: Fixture) {
    assert_eq!(leader(&fixture).await, None);
    let (_leader, term) = fixture.leader("a").await;
    let read = reader(&fixture).leader(LONG).await.unwrap().unwrap();
    assert_eq!((read.id.as_str(), read.term), ("a", term));
    let other = match fixture.raw.get_database_backend() {
        DbBackend::Sqlite => "X'00000000000000000000000000000001'",
        _ => "'00000000-0000-0000-0000-000000000001'",
    };
    let other_incarnation = format!("UPDATE election_terms SET incarnation = {other} WHERE election = $e");
    for stray in [
        "UPDATE node_records SET term = term + 1 WHERE election = $e",
        "UPDATE node_records SET status = 'follower' WHERE election = $e",
        other_incarnation.as_str(),
        "UPDATE election_terms SET leader_id = 'b' WHERE election = $e",
        "UPDATE election_terms SET ended_at = started_at WHERE election = $e",
    ] {
        fixture.election.push('+');
        let (_leader, _) = fixture.leader("a").await;
        assert_eq!(leader(&fixture).await.as_deref(), Some("a"));
        fixture.sql(stray).await;
        assert_eq!(leader(&fixture).await, None, "{stray}");
    }
}

pub(super) async fn a_leader_that_is_not_live_is_not_read(fixture: Fixture) {
    let (_leader, _) = fixture.leader("a").await;
    age(&fixture, "a", 61).await;
    assert_eq!(leader(&fixture).await, None);
}

/// The database's clock has gone back.
pub(super) async fn a_heartbeat_from_the_future_counts_as_new(fixture: Fixture) {
    let _node = fixture.node("a").await;
    age(&fixture, "a", -3600).await;
    assert_eq!(reader(&fixture).nodes(LONG).await.unwrap()[0].heartbeat_age, Duration::ZERO);
}
