use std::time::Duration;

use leader_election_migration::{is_current, migrate};
use sea_orm_migration::sea_orm::ConnectionTrait;
use testkit::{Postgres, eventually};

use crate::test_database::{TestDatabase, connect};

const TEN_NODES: &str = "
    INSERT INTO node_records (election, id, incarnation, status, priority, term, heartbeat_seq, last_heartbeat, lease_ms, created_at, updated_at)
    SELECT 'e', 'node-' || n, gen_random_uuid(), 'follower', n, 0, 0, clock_timestamp(), 10000, clock_timestamp(), clock_timestamp()
    FROM generate_series(1, 10) AS n";

#[tokio::test]
async fn heartbeats_are_hot_updates() {
    let database = TestDatabase::postgres().await;
    migrate(&database.db).await.unwrap();
    database.run(TEN_NODES).await.unwrap();
    for _ in 0..50 {
        database
            .run("UPDATE node_records SET heartbeat_seq = heartbeat_seq + 1, last_heartbeat = clock_timestamp(), updated_at = clock_timestamp()")
            .await
            .unwrap();
    }
    // A session reports its counts when it ends.
    database.db.clone().close().await.unwrap();
    let counts = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'node_records'";
    let counts = || Postgres::shared().psql_in(database.name.as_ref().unwrap(), counts);
    eventually("the counts of 500 updates", Duration::from_secs(10), async || counts().starts_with("500|"))
        .await;
    let hot: u32 = counts().rsplit('|').next().unwrap().parse().unwrap();
    // Not all 500: a session that starts elsewhere delays the pruning of old row versions, and a page may fill up
    // meanwhile. If a heartbeat wrote an indexed column, no update would be HOT.
    assert!(hot >= 400, "{hot} of 500");
}

/// A linguistic collation sorts 'b' before 'C', Rust does not.
#[tokio::test]
async fn names_are_ordered_as_rust_orders_them() {
    let database = TestDatabase::postgres().await;
    migrate(&database.db).await.unwrap();
    database.run(TEN_NODES).await.unwrap();
    database.run("UPDATE node_records SET id = 'b' WHERE priority = 1; UPDATE node_records SET id = 'C' WHERE priority = 2").await.unwrap();
    let name = database.name.as_ref().unwrap();
    let ids = Postgres::shared().psql_in(name, "SELECT id FROM node_records ORDER BY id");
    let mut expected: Vec<&str> = ids.lines().collect();
    expected.sort_unstable();
    assert_eq!(ids.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn the_best_ranked_nodes_are_read_by_the_index() {
    let database = TestDatabase::postgres().await;
    migrate(&database.db).await.unwrap();
    database.run(TEN_NODES).await.unwrap();
    let name = database.name.as_ref().unwrap();
    let plan = Postgres::shared().psql_in(
        name,
        "SET enable_seqscan = off; SET enable_bitmapscan = off;
         EXPLAIN SELECT * FROM node_records WHERE election = 'e' AND eligible ORDER BY priority DESC, id LIMIT 8",
    );
    assert!(plan.contains("node_records_by_rank") && !plan.contains("Sort"), "{plan}");
}

#[tokio::test]
async fn a_role_that_may_not_change_the_schema_starts_on_a_current_one() {
    let database = TestDatabase::postgres().await;
    let name = database.name.clone().unwrap();
    let role = format!("plain_{name}");
    let server = Postgres::shared();
    database.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'plain'")).await.unwrap();
    let plain = connect(&format!("postgres://{role}:plain@127.0.0.1:{}/{name}", server.port())).await;

    assert!(!is_current(&plain).await.unwrap());
    let refused = migrate(&plain).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");

    migrate(&database.db).await.unwrap();
    database
        .run(&format!(
            "GRANT SELECT ON leader_election_migrations TO {role};
             GRANT SELECT, INSERT, UPDATE, DELETE ON node_records, election_terms TO {role}"
        ))
        .await
        .unwrap();
    assert!(is_current(&plain).await.unwrap());
    migrate(&plain).await.unwrap();
    // The guard works for this role as well.
    plain.execute_unprepared(crate::guards::TWO_TERMS).await.unwrap();
    assert!(plain.execute_unprepared("DELETE FROM election_terms").await.is_err());
    plain.execute_unprepared("DELETE FROM election_terms WHERE election = 'a' AND term = 1").await.unwrap();

    // Also where nothing can be written, as on a replica.
    database.run(&format!("ALTER ROLE {role} SET default_transaction_read_only = on")).await.unwrap();
    let read_only = connect(&format!("postgres://{role}:plain@127.0.0.1:{}/{name}", server.port())).await;
    migrate(&read_only).await.unwrap();
}

#[tokio::test]
async fn the_tables_are_created_where_the_search_path_points() {
    let database = TestDatabase::postgres().await;
    database.run("CREATE SCHEMA election").await.unwrap();
    let name = database.name.as_ref().unwrap();
    database.run(&format!("ALTER DATABASE {name} SET search_path = election")).await.unwrap();
    let db = database.another_connection().await;
    migrate(&db).await.unwrap();
    assert!(is_current(&db).await.unwrap());
    assert!(!is_current(&database.db).await.unwrap());
    assert_eq!(database.count("election.node_records").await, 0);
    db.execute_unprepared(crate::guards::TWO_TERMS).await.unwrap();
    assert!(database.run("DELETE FROM election.election_terms").await.is_err());
}
