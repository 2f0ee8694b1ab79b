use std::time::{Duration, Instant};

use leader_election_migration::migrate;
use sea_orm_migration::sea_orm::{ConnectionTrait, TransactionTrait};

use crate::place::Place;

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_that_start_together_migrate_once() {
    for place in Place::both().await {
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let db = place.another_connection().await;
            nodes.spawn(async move { migrate(&db).await });
        }
        for result in nodes.join_all().await {
            result.unwrap();
        }
        assert_eq!(place.count("leader_election_migrations").await, 2);
        assert_eq!(place.count("election_terms").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_current_schema_nobody_waits_for_the_lock() {
    let place = Place::postgres().await;
    migrate(&place.db).await.unwrap();
    let other = place.another_connection().await;
    let holder = other.begin().await.unwrap();
    let key = i64::from_be_bytes(*b"leadelec");
    holder.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({key})")).await.unwrap();

    let start = Instant::now();
    migrate(&place.db).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_writer_of_the_applications_is_waited_for_without_a_busy_timeout() {
    let place = Place::sqlite().await;
    place.run("CREATE TABLE app_things (n integer)").await.unwrap();
    let writer = place.another_connection().await.begin().await.unwrap();
    writer.execute_unprepared("INSERT INTO app_things VALUES (1)").await.unwrap();
    place.run("PRAGMA busy_timeout = 0").await.unwrap();
    let migrating = tokio::spawn({
        let db = place.db.clone();
        async move { migrate(&db).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!migrating.is_finished());
    writer.commit().await.unwrap();
    migrating.await.unwrap().unwrap();
}
