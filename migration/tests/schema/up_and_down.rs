use leader_election_migration::{Migrator, is_current, migrate};
use sea_orm_migration::{MigratorTrait, sea_orm::ConnectionTrait};

use crate::test_database::TestDatabase;

#[tokio::test]
async fn going_down_leaves_nothing_and_going_up_again_restores_everything() {
    for database in TestDatabase::both().await {
        let empty = database.schema().await;
        assert!(!is_current(&database.db).await.unwrap());
        assert_eq!(database.schema().await, empty, "is_current creates nothing");

        Migrator::up(&database.db, None).await.unwrap();
        let created = database.schema().await;
        assert!(is_current(&database.db).await.unwrap());

        for _ in 0..3 {
            Migrator::down(&database.db, Some(1)).await.unwrap();
        }
        let after = database.schema().await;
        for word in ["node_records", "election_terms", "node_status", "end_reason", "keep_newest"] {
            assert!(created.contains(word) || database.name.is_none(), "{word}");
            assert!(!after.contains(word), "{word} is left in {after}");
        }

        Migrator::reset(&database.db).await.unwrap();
        assert_eq!(database.schema().await, empty);
        migrate(&database.db).await.unwrap();
        assert_eq!(database.schema().await, created);
    }
}

#[tokio::test]
async fn migrations_go_up_and_down_one_by_one() {
    for database in TestDatabase::both().await {
        Migrator::up(&database.db, Some(1)).await.unwrap();
        assert_eq!(database.count("node_records").await, 0);
        assert!(database.run("SELECT * FROM election_terms").await.is_err());
        assert!(!is_current(&database.db).await.unwrap());
        Migrator::up(&database.db, Some(1)).await.unwrap();
        assert_eq!(database.count("election_terms").await, 0);
        assert!(!is_current(&database.db).await.unwrap());
        Migrator::up(&database.db, Some(1)).await.unwrap();
        assert!(is_current(&database.db).await.unwrap());
        Migrator::down(&database.db, Some(1)).await.unwrap();
        assert!(!is_current(&database.db).await.unwrap());
    }
}

#[tokio::test]
async fn tables_with_rows_in_them_go_down_and_fresh() {
    for database in TestDatabase::both().await {
        migrate(&database.db).await.unwrap();
        let created = database.schema().await;
        database.run(crate::guards::TWO_TERMS).await.unwrap();
        Migrator::fresh(&database.db).await.unwrap();
        assert_eq!(database.schema().await, created);
        assert_eq!(database.count("election_terms").await, 0);
        database.run(crate::guards::TWO_TERMS).await.unwrap();
        Migrator::refresh(&database.db).await.unwrap();
        assert_eq!(database.count("election_terms").await, 0);
        Migrator::reset(&database.db).await.unwrap();
        migrate(&database.db).await.unwrap();
    }
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_behind() {
    for database in TestDatabase::both().await {
        database.run("CREATE TABLE election_terms (n integer)").await.unwrap();
        let before = database.schema().await;
        assert!(migrate(&database.db).await.unwrap_err().to_string().contains("already exists"));
        assert_eq!(database.schema().await, before);
        // The connection is usable afterwards.
        database.db.execute_unprepared("DROP TABLE election_terms").await.unwrap();
        migrate(&database.db).await.unwrap();
    }
}

#[tokio::test]
async fn migrations_of_a_newer_version_are_ignored_and_not_rolled_back() {
    for database in TestDatabase::both().await {
        migrate(&database.db).await.unwrap();
        let newer = "INSERT INTO leader_election_migrations VALUES ('m20990101_000001_something_new', 1)";
        database.run(newer).await.unwrap();

        assert!(is_current(&database.db).await.unwrap());
        migrate(&database.db).await.unwrap();
        Migrator::up(&database.db, None).await.unwrap();
        Migrator::status(&database.db).await.unwrap();
        assert!(Migrator::get_pending_migrations(&database.db).await.unwrap().is_empty());

        let before = database.schema().await;
        for refused in [
            Migrator::down(&database.db, Some(1)).await,
            Migrator::fresh(&database.db).await,
            Migrator::refresh(&database.db).await,
            Migrator::reset(&database.db).await,
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("m20990101_000001_something_new"), "{message}");
        }
        assert_eq!(database.schema().await, before);
    }
}
