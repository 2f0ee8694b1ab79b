use std::time::Duration;
use std::time::Instant;

use leader_election_migration::Migrator;
use leader_election_migration::migrate;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sea_orm_migration::sea_orm::TransactionTrait;

use crate::test_database::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn ten_nodes_that_start_together_migrate_once() {
    for database in TestDatabase::both().await {
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let db = database.another_connection().await;
            nodes.spawn(async move { migrate(&db).await });
        }
        for result in nodes.join_all().await {
            result.unwrap();
        }
        assert_eq!(database.count("leader_election_migrations").await, 3);
        assert_eq!(database.count("election_terms").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_current_schema_needs_no_lock() {
    let database = TestDatabase::postgres().await;
    migrate(&database.db).await.unwrap();
    let other = database.another_connection().await;
    let holder = other.begin().await.unwrap();
    let key = i64::from_be_bytes(*b"leadelec");
    holder.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({key})")).await.unwrap();

    let start = Instant::now();
    migrate(&database.db).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// A heartbeat that queues behind the migration must not wait for as long as the table is locked.
#[tokio::test(flavor = "multi_thread")]
async fn between_two_attempts_to_change_a_locked_table_others_can_use_it() {
    let database = TestDatabase::postgres().await;
    migrate(&database.db).await.unwrap();
    let holder = database.another_connection().await.begin().await.unwrap();
    holder.execute_unprepared("LOCK TABLE node_records IN ACCESS SHARE MODE").await.unwrap();
    let migrating = tokio::spawn({
        let db = database.another_connection().await;
        async move { Migrator::fresh(&db).await }
    });
    let waits = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'DROP%'";
    testkit::eventually("the migration to wait", Duration::from_secs(20), async || {
        database.count(waits).await == 1
    })
    .await;

    let start = Instant::now();
    database.run("UPDATE node_records SET heartbeat_seq = heartbeat_seq + 1").await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(!migrating.is_finished());
    holder.commit().await.unwrap();
    migrating.await.unwrap().unwrap();
}

/// A process that is frozen or disconnected between two statements must not keep every other node from starting.
#[tokio::test]
async fn the_server_limits_how_long_a_migration_waits_and_is_idle() {
    let database = TestDatabase::postgres().await;
    let record = "
        CREATE TABLE limits (idle text, lock text);
        CREATE FUNCTION record_limits() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO limits VALUES
                (current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout'));
        END $$;
        CREATE EVENT TRIGGER record_limits ON ddl_command_end EXECUTE FUNCTION record_limits()";
    database.run(record).await.unwrap();
    migrate(&database.db).await.unwrap();
    assert_eq!(database.count("(SELECT DISTINCT idle, lock FROM limits) AS found").await, 1);
    assert_ne!(database.count("limits WHERE idle = '10s' AND lock = '2s'").await, 0);
    // The session keeps its own settings.
    let left = "pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'lock_timeout') AND setting <> '0'";
    assert_eq!(database.count(left).await, 0);

    // In a transaction that the caller began, no limit is set.
    let database = TestDatabase::postgres().await;
    database.run(record).await.unwrap();
    let callers = database.db.begin().await.unwrap();
    Migrator::up(&callers, None).await.unwrap();
    callers.commit().await.unwrap();
    assert_ne!(database.count("limits").await, 0);
    assert_eq!(database.count("limits WHERE idle <> '0' OR lock <> '0'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_a_migration_waits_for_the_applications_writer_without_a_busy_timeout() {
    let database = TestDatabase::sqlite().await;
    database.run("CREATE TABLE app_things (n integer)").await.unwrap();
    let writer = database.another_connection().await.begin().await.unwrap();
    writer.execute_unprepared("INSERT INTO app_things VALUES (1)").await.unwrap();
    database.run("PRAGMA busy_timeout = 0").await.unwrap();
    let migrating = tokio::spawn({
        let db = database.db.clone();
        async move { migrate(&db).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!migrating.is_finished());
    writer.commit().await.unwrap();
    migrating.await.unwrap().unwrap();
}
