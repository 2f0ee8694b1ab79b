//! The handle: what it promises to its callers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use leader_election::{Elector, Error, Lifecycle, Role, Term};
use testkit::{Postgres, eventually};
use tokio::sync::Mutex;
use tokio_stream::StreamExt;

use crate::support::{H, SOON, T, config, follows, leads, migrate, start, start_with};

#[tokio::test]
async fn the_best_of_nodes_that_start_together_is_elected_and_ties_go_to_the_lower_id() {
    let database = Postgres::shared().database("start_together");
    migrate(&database.url()).await;
    for (nodes, best) in [([("a", 1), ("b", 7), ("c", 3)], "b"), ([("z", 5), ("y", 5), ("x", 5)], "x")] {
        let mut electors = Vec::new();
        for (id, priority) in nodes {
            // H / 10 is the time they have to see each other. A long H makes it enough for two busy cores.
            let mut config = config(id, priority);
            (config.heartbeat_interval, config.election_timeout, config.node_timeout) =
                (30 * H, 90 * H, 180 * H);
            electors.push(Elector::connect(&database.url(), config).await.unwrap());
        }
        for elector in &electors {
            elector.start().unwrap();
        }
        eventually("there is a leader", SOON, async || electors.iter().any(Elector::is_leader)).await;
        let leader = electors.iter().find(|elector| elector.is_leader()).unwrap();
        assert_eq!(leader.status().node_id, best);
        for elector in electors {
            elector.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_leader_is_not_displaced_by_a_higher_priority() {
    let database = Postgres::shared().database("not_displaced");
    migrate(&database.url()).await;
    let sitting = start(&database.url(), "node-1", 0).await;
    leads(&sitting).await;
    let better = start(&database.url(), "node-2", 100).await;
    follows(&better, "node-1").await;
    let start = Instant::now();
    eventually("it has had the time to claim", SOON, async || {
        assert!(sitting.is_leader() && !better.is_leader());
        start.elapsed() > 2 * T
    })
    .await;
    sitting.stop().await.unwrap();
    leads(&better).await;
    better.stop().await.unwrap();
}

#[tokio::test]
async fn the_last_handle_dropped_ends_the_node_without_waiting() {
    let database = Postgres::shared().database("dropped");
    migrate(&database.url()).await;
    let elector = start(&database.url(), "node-1", 0).await;
    leads(&elector).await;
    let clone = elector.clone();
    drop(elector);
    assert!(clone.is_leader(), "a clone still existed");
    let dropping = Instant::now();
    drop(clone);
    assert!(dropping.elapsed() < Duration::from_millis(200), "the drop waited {:?}", dropping.elapsed());
    eventually("its row and its term are gone", SOON, async || {
        database.psql(
            "SELECT (SELECT count(*) FROM node_records), (SELECT count(*) FROM election_terms WHERE ended_at IS NULL)",
        ) == "0|0"
    })
    .await;
}

#[tokio::test]
async fn an_elector_runs_once_and_stops_as_often_as_it_is_asked() {
    let database = Postgres::shared().database("runs_once");
    migrate(&database.url()).await;
    let elector = start(&database.url(), "node-1", 0).await;
    assert!(matches!(elector.start(), Err(Error::AlreadyStarted)));
    leads(&elector).await;
    let (one, two) = tokio::join!(elector.stop(), elector.stop());
    one.unwrap();
    two.unwrap();
    elector.stop().await.unwrap();
    assert_eq!(elector.status().lifecycle, Lifecycle::Ended);
    assert!(matches!(elector.nodes().await, Err(Error::Ended)));
    assert!(matches!(elector.start(), Err(Error::Ended)));

    let never = Elector::connect(&database.url(), config("node-2", 0)).await.unwrap();
    assert_eq!(never.status().lifecycle, Lifecycle::Idle);
    never.stop().await.unwrap();
}

/// A status shows one moment, so the test waits for each before it causes the next.
#[tokio::test]
async fn a_subscription_shows_the_way_to_leadership_and_back() {
    let database = Postgres::shared().database("subscription");
    migrate(&database.url()).await;
    let elector = Elector::connect(database.url(), config("node-1", 0)).await.unwrap();
    let mut subscription = elector.subscribe();
    let first = subscription.changed().await.unwrap();
    assert_eq!((first.lifecycle, first.role), (Lifecycle::Idle, Role::Follower));
    elector.start().unwrap();
    loop {
        let status = subscription.changed().await.expect("it has not ended");
        assert_ne!(status.lifecycle, Lifecycle::Ended);
        if status.role == Role::Leader {
            assert_eq!((status.lifecycle, status.held_term), (Lifecycle::Joined, Some(Term::new(1))));
            break;
        }
    }
    elector.stop().await.unwrap();
    let last = subscription.changed().await.unwrap();
    assert_eq!((last.lifecycle, last.role, last.held_term), (Lifecycle::Ended, Role::Follower, None));
    assert_eq!(subscription.changed().await, None);
}

#[tokio::test]
async fn a_subscription_yields_every_event_in_order_and_ends() {
    let database = Postgres::shared().database("events");
    migrate(&database.url()).await;
    let elector = Elector::connect(database.url(), config("node-1", 0)).await.unwrap();
    let subscription = elector.subscribe();
    elector.start().unwrap();
    leads(&elector).await;
    elector.stop().await.unwrap();
    let names: Vec<_> = subscription.map(|event| event.name()).collect().await;
    // On a busy machine a request may have been late.
    let names: Vec<_> = names.into_iter().filter(|name| !name.starts_with("database_")).collect();
    assert_eq!(names, ["joined", "became_leader", "lost_leadership", "stopped"]);
}

#[tokio::test]
async fn hooks_run_in_order_and_a_panic_stops_no_other_hook() {
    let database = Postgres::shared().database("hook_order");
    migrate(&database.url()).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let (leading, following) = (Arc::clone(&told), Arc::clone(&told));
    let config = config("node-1", 0)
        .on_become_leader(move |change| {
            let told = Arc::clone(&leading);
            async move {
                told.lock().await.push(change.role);
                panic!("a bug in the application");
            }
        })
        .on_become_follower(move |change| {
            let told = Arc::clone(&following);
            async move { told.lock().await.push(change.role) }
        });
    let elector = start_with(&database.url(), config).await;
    leads(&elector).await;
    elector.stop().await.unwrap();
    assert_eq!(*told.lock().await, [Role::Leader, Role::Follower]);
}

#[tokio::test]
async fn connecting_says_what_is_wrong_and_shows_no_password() {
    let database = Postgres::shared().database("no_schema");
    let missing = Elector::connect(&database.url(), config("node-1", 0)).await.unwrap_err();
    assert!(matches!(missing, Error::SchemaMissing), "{missing}");
    assert!(missing.to_string().contains("leader-election migrate up"), "{missing}");

    let password = Postgres::shared().password();
    let port = Postgres::shared().port();
    let wrong = format!("host=127.0.0.1 port={port} user=postgres password=hunter2 dbname=no_schema");
    let refused = Elector::connect(&wrong, config("node-1", 0)).await.unwrap_err();
    assert!(matches!(refused, Error::AccessDenied { .. }), "{refused}");
    let nowhere = format!("host=127.0.0.1 port=1 user=postgres password={} dbname=x", "hunter2");
    let unreachable = Elector::connect(&nowhere, config("node-1", 0)).await.unwrap_err();
    assert!(matches!(unreachable, Error::Unreachable { .. }), "{unreachable}");
    let garbled =
        Elector::connect("postgres://u:hunter2@h/db?frob=1", config("node-1", 0)).await.unwrap_err();
    for error in [missing, refused, unreachable, garbled] {
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2") && !text.contains(password), "{text}");
    }
}

#[tokio::test]
async fn the_newer_process_of_a_follower_takes_its_place_and_the_older_one_ends() {
    let database = Postgres::shared().database("same_id");
    migrate(&database.url()).await;
    let leader = start(&database.url(), "node-1", 1).await;
    leads(&leader).await;
    let older = start(&database.url(), "node-2", 0).await;
    follows(&older, "node-1").await;
    let newer = start(&database.url(), "node-2", 0).await;
    assert!(matches!(older.wait().await, Err(Error::Replaced { .. })));
    assert_eq!(older.status().lifecycle, Lifecycle::Ended);
    follows(&newer, "node-1").await;

    // The leader's id cannot be taken over while it leads.
    let rival = start(&database.url(), "node-1", 1).await;
    let start = Instant::now();
    eventually("the rival has had the time to register", SOON, async || {
        assert!(leader.is_leader() && !rival.is_leader());
        start.elapsed() > 2 * T
    })
    .await;
    leader.stop().await.unwrap();
    eventually("somebody leads again", SOON, async || rival.is_leader() || newer.is_leader()).await;
    eventually("the rival has joined", SOON, async || rival.status().lifecycle == Lifecycle::Joined).await;
    rival.stop().await.unwrap();
    newer.stop().await.unwrap();
}
