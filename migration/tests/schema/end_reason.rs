use leader_election_migration::Migrator;
use leader_election_migration::migrate;
use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::sea_orm::DbErr;
use sea_orm_migration::sea_orm::Statement;

use crate::test_database::TestDatabase;

const PREVIOUS: [&str; 6] = ["resigned", "transferred", "preempted", "lapsed", "expired", "replaced"];

/// The schema of the previous version, with a term that ended for each of its reasons and an open one.
async fn with_the_previous_schema() -> [TestDatabase; 2] {
    let databases = TestDatabase::both().await;
    for database in &databases {
        Migrator::up(&database.db, Some(2)).await.unwrap();
        let ended = PREVIOUS.iter().map(|reason| format!("'2026-01-01 00:00:01+00:00', '{reason}'"));
        for (index, end) in ended.chain(["NULL, NULL".to_owned()]).enumerate() {
            let insert = "INSERT INTO election_terms (election, term, leader_id, incarnation, lease_ms, started_at, ended_at, end_reason, successor)";
            let row = format!(
                "'e', {}, 'n1', '00000000-0000-0000-0000-000000000001', 10000, '2026-01-01 00:00:00+00:00', {end}, 'n2'",
                index + 1
            );
            database.run(&format!("{insert} VALUES ({row})")).await.unwrap();
        }
    }
    databases
}

async fn terms(database: &TestDatabase) -> Vec<String> {
    let sql = "SELECT CAST(term AS text) || ' ' || COALESCE(CAST(end_reason AS text), 'open') || ' ' || \
               COALESCE(CAST(ended_at AS text), '-') || ' ' || leader_id || ' ' || CAST(incarnation AS text) || ' ' || \
               CAST(lease_ms AS text) || ' ' || CAST(started_at AS text) || ' ' || successor AS row \
               FROM election_terms ORDER BY term";
    let rows =
        database.db.query_all_raw(Statement::from_string(database.db.get_database_backend(), sql)).await;
    rows.unwrap().iter().map(|row| row.try_get("", "row").unwrap()).collect()
}

async fn end(database: &TestDatabase, term: i64, reason: &str) -> Result<(), DbErr> {
    database.run(&format!("UPDATE election_terms SET end_reason = '{reason}' WHERE term = {term}")).await
}

#[tokio::test]
async fn rows_of_the_previous_version_are_the_same_up_and_down() {
    for database in with_the_previous_schema().await {
        let (schema, rows) = (database.schema().await, terms(&database).await);
        assert_eq!(rows.len(), 7);
        migrate(&database.db).await.unwrap();
        assert_eq!(terms(&database).await, rows);
        assert!(database.run("DELETE FROM election_terms").await.unwrap_err().to_string().contains("newest"));
        assert!(database.run("UPDATE election_terms SET term = 0 WHERE term = 7").await.is_err());
        assert!(database.run("UPDATE election_terms SET ended_at = NULL WHERE term = 6").await.is_err());

        Migrator::down(&database.db, Some(1)).await.unwrap();
        assert_eq!(terms(&database).await, rows);
        assert_eq!(database.schema().await, schema);
    }
}

#[tokio::test]
async fn rolling_back_replaces_reasons_that_the_previous_version_does_not_know() {
    for database in with_the_previous_schema().await {
        assert!(end(&database, 1, "died").await.is_err());
        migrate(&database.db).await.unwrap();
        end(&database, 1, "died").await.unwrap();
        end(&database, 2, "ended_by_operator").await.unwrap();
        let refused = end(&database, 3, "on_a_whim").await.unwrap_err().to_string();
        assert!(refused.contains("election_terms_end_reason"), "{refused}");
        Migrator::down(&database.db, Some(1)).await.unwrap();
        let rows = terms(&database).await;
        assert!(rows[0].starts_with("1 expired ") && rows[1].starts_with("2 resigned "), "{rows:?}");
    }
}

/// The statements of a node of the previous version, prepared on its own connection before the schema changes.
#[tokio::test]
async fn a_node_of_the_previous_version_keeps_working_through_the_migration() {
    for database in with_the_previous_schema().await {
        let backend = database.db.get_database_backend();
        let value = match backend {
            DbBackend::Postgres => "$1::\"end_reason\"",
            _ => "?",
        };
        let number = if backend == DbBackend::Postgres { "$2" } else { "?" };
        let write =
            format!("UPDATE \"election_terms\" SET \"end_reason\" = {value} WHERE \"term\" = {number}");
        let read =
            "SELECT CAST(\"end_reason\" AS text) AS \"reason\" FROM \"election_terms\" WHERE \"term\" = 1";
        let node = database.another_connection().await;
        let use_every_reason = async || {
            for reason in PREVIOUS {
                let values = [reason.into(), 1_i64.into()];
                let written =
                    node.execute_raw(Statement::from_sql_and_values(backend, &write, values)).await.unwrap();
                assert_eq!(written.rows_affected(), 1);
                let row =
                    node.query_one_raw(Statement::from_sql_and_values(backend, read, [])).await.unwrap();
                assert_eq!(row.unwrap().try_get::<String>("", "reason").unwrap(), reason);
            }
        };
        use_every_reason().await;
        migrate(&database.db).await.unwrap();
        use_every_reason().await;
        // It can also read a reason that only the newer version writes.
        end(&database, 1, "died").await.unwrap();
        let row = node.query_one_raw(Statement::from_sql_and_values(backend, read, [])).await.unwrap();
        assert_eq!(row.unwrap().try_get::<String>("", "reason").unwrap(), "died");
    }
}

/// An application may read the terms through its own view.
#[tokio::test]
async fn on_sqlite_a_view_of_the_application_does_not_stop_the_migration() {
    let database = TestDatabase::sqlite().await;
    Migrator::up(&database.db, Some(2)).await.unwrap();
    database.run("CREATE VIEW app_terms AS SELECT term, end_reason FROM election_terms").await.unwrap();
    migrate(&database.db).await.unwrap();
    Migrator::down(&database.db, Some(1)).await.unwrap();
    migrate(&database.db).await.unwrap();
    assert_eq!(database.count("app_terms").await, 0);
}
