//! Tests of SQLite only: a file, or a shared database in memory.

use std::time::{Duration, Instant};

use leader_election::{DatabaseUrl, Elector, Role, Term};

use crate::support::{TestDatabase, config, follows, leads, start, start_with};

#[tokio::test]
async fn one_process_runs_nodes_of_one_election_and_of_several_on_sqlite() {
    let database = TestDatabase::sqlite().await;
    let one = start(database.url(), "node-1", 1).await;
    leads(&one).await;
    let two = start(database.url(), "node-2", 0).await;
    follows(&two, "node-1").await;
    let mut elsewhere = config("node-2", 0);
    elsewhere.election = "backups".to_owned();
    let elsewhere = start_with(database.url(), elsewhere).await;
    leads(&elsewhere).await;

    let nodes: Vec<_> = one.nodes().await.unwrap().into_iter().map(|node| (node.id, node.role)).collect();
    assert_eq!(nodes, [("node-1".to_owned(), Role::Leader), ("node-2".to_owned(), Role::Follower)]);
    assert_eq!(two.leader().await.unwrap().unwrap().id, "node-1");

    let stopped = Instant::now();
    one.stop().await.unwrap();
    leads(&two).await;
    assert!(stopped.elapsed() < Duration::from_secs(1), "it took {:?}", stopped.elapsed());
    two.stop().await.unwrap();
    elsewhere.stop().await.unwrap();
}

/// Again and again one node leaves while the other works. The database would be lost if either closed its connection.
#[tokio::test]
async fn an_in_memory_database_is_shared_and_survives_the_nodes_that_use_it() {
    let url: DatabaseUrl = "sqlite::memory:".parse().unwrap();
    let database = url.connect().await.unwrap();
    migration::migrate(&database).await.unwrap();
    let elector = |round: i32| Elector::new(&database, config(&format!("node-{round}"), 0)).unwrap();
    let mut leader = elector(0);
    leader.start().unwrap();
    leads(&leader).await;
    for round in 1..=10 {
        let follower = elector(round);
        follower.start().unwrap();
        follows(&follower, &leader.status().node_id).await;
        leader.stop().await.unwrap();
        leads(&follower).await;
        leader = follower;
    }
    assert_eq!(leader.term(), Some(Term::new(11)));
    leader.stop().await.unwrap();
}
