//! The feature `serde`: the format, and that it can be read back.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]
#![cfg(feature = "serde")]

use leader_election::{Elector, ElectorConfig, Event, Lifecycle, NodeInfo, Role, Status};
use serde_json::{Value, json};

fn read<T: serde::de::DeserializeOwned + serde::Serialize>(value: &Value) -> T {
    let read: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(
        serde_json::to_value(&read).unwrap(),
        *value,
        "it is written differently from how it was read"
    );
    read
}

#[test]
fn an_event_is_an_object_with_its_name_terms_as_numbers_and_durations_in_seconds() {
    let ended = json!({"term": 6, "leader": "b", "reason": "expired"});
    for event in [
        json!({"event": "joined", "taken_over": false, "again": true}),
        json!({"event": "id_held_by_leader", "lease_left_seconds": 1.5}),
        json!({"event": "became_leader", "term": 7, "leaderless_seconds": 0.25, "previous": ended}),
        json!({"event": "became_leader", "term": 7, "leaderless_seconds": null, "previous": null}),
        json!({"event": "lost_leadership", "term": 7, "reason": "shutting_down"}),
        json!({"event": "following", "leader": "b", "term": 7, "previous": null}),
        json!({"event": "leader_silent", "leader": "b", "term": 7, "silent_for_seconds": 6.0,
               "lease_left_seconds": 4.0, "next_leader": "c"}),
        json!({"event": "database_unreachable", "reason": "x", "term": null, "lease_left_seconds": null}),
        json!({"event": "database_reachable", "after_seconds": 9.5}),
        json!({"event": "claim_rejected", "reason": {"better_candidate": "c"}}),
        json!({"event": "claim_rejected", "reason": "raced"}),
        json!({"event": "rows_cleaned", "nodes": 1, "terms": 2}),
        json!({"event": "notifications_missing", "polling_every_seconds": 5.0}),
        json!({"event": "listening_failed", "reason": "x"}),
        json!({"event": "hook_panicked", "role": "leader", "term": 7}),
        json!({"event": "hook_aborted", "role": "follower", "term": 7}),
        json!({"event": "missed", "events": 3}),
        json!({"event": "stopped", "clean": true}),
        json!({"event": "replaced"}),
        json!({"event": "crashed", "reason": "x"}),
    ] {
        assert_eq!(event["event"], read::<Event>(&event).name());
    }
}

#[test]
fn a_status_is_written_and_read_back() {
    let elector = Elector::connect_lazy(url(), ElectorConfig::new("node-1")).unwrap();
    let status = elector.status();
    let written = serde_json::to_value(&status).unwrap();
    assert_eq!(
        written,
        json!({"election": "default", "node_id": "node-1", "priority": 0, "lifecycle": "idle",
               "role": "follower", "held_term": null, "highest_term": 0, "leader": null,
               "lease_remaining_seconds": null, "since_last_database_reply_seconds": null})
    );
    assert_eq!(read::<Status>(&written), status);
    assert_eq!(status.lifecycle, Lifecycle::Idle);
}

#[test]
fn a_node_is_written_and_read_back() {
    let node: NodeInfo = read(&json!({"id": "a", "role": "candidate", "priority": 3, "eligible": true,
        "term": 7, "address": null, "heartbeat_age_seconds": 1.5}));
    assert_eq!((node.role, node.term.get()), (Role::Candidate, 7));
    let negative = json!({"id": "a", "role": "leader", "priority": 3, "eligible": true, "term": 7,
        "address": null, "heartbeat_age_seconds": -1.5});
    assert!(serde_json::from_value::<NodeInfo>(negative).is_err());
}

fn url() -> &'static str {
    if cfg!(feature = "postgres") { "host=127.0.0.1 user=u dbname=d" } else { "sqlite:unused.db" }
}
