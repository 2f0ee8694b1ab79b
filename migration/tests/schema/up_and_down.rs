use leader_election_migration::{Migrator, is_current, migrate};
use sea_orm_migration::{MigratorTrait, sea_orm::ConnectionTrait};

use crate::place::Place;

#[tokio::test]
async fn what_goes_down_leaves_nothing_and_can_go_up_again() {
    for place in Place::both().await {
        let empty = place.schema().await;
        assert!(!is_current(&place.db).await.unwrap());
        assert_eq!(place.schema().await, empty, "looking makes nothing");

        Migrator::up(&place.db, None).await.unwrap();
        let made = place.schema().await;
        assert!(is_current(&place.db).await.unwrap());

        for _ in 0..3 {
            Migrator::down(&place.db, Some(1)).await.unwrap();
        }
        let after = place.schema().await;
        for word in ["node_records", "election_terms", "node_status", "end_reason", "keep_newest"] {
            assert!(made.contains(word) || place.name.is_none(), "{word}");
            assert!(!after.contains(word), "{word} is left in {after}");
        }

        Migrator::reset(&place.db).await.unwrap();
        assert_eq!(place.schema().await, empty);
        migrate(&place.db).await.unwrap();
        assert_eq!(place.schema().await, made);
    }
}

#[tokio::test]
async fn steps_go_one_by_one() {
    for place in Place::both().await {
        Migrator::up(&place.db, Some(1)).await.unwrap();
        assert_eq!(place.count("node_records").await, 0);
        assert!(place.run("SELECT * FROM election_terms").await.is_err());
        assert!(!is_current(&place.db).await.unwrap());
        Migrator::up(&place.db, Some(1)).await.unwrap();
        assert_eq!(place.count("election_terms").await, 0);
        assert!(!is_current(&place.db).await.unwrap());
        Migrator::up(&place.db, Some(1)).await.unwrap();
        assert!(is_current(&place.db).await.unwrap());
        Migrator::down(&place.db, Some(1)).await.unwrap();
        assert!(!is_current(&place.db).await.unwrap());
    }
}

#[tokio::test]
async fn tables_with_rows_in_them_go_down_and_are_made_fresh() {
    for place in Place::both().await {
        migrate(&place.db).await.unwrap();
        let made = place.schema().await;
        place.run(crate::guards::TWO_TERMS).await.unwrap();
        Migrator::fresh(&place.db).await.unwrap();
        assert_eq!(place.schema().await, made);
        assert_eq!(place.count("election_terms").await, 0);
        place.run(crate::guards::TWO_TERMS).await.unwrap();
        Migrator::refresh(&place.db).await.unwrap();
        assert_eq!(place.count("election_terms").await, 0);
        Migrator::reset(&place.db).await.unwrap();
        migrate(&place.db).await.unwrap();
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_of_itself_or_those_before() {
    for place in Place::both().await {
        place.run("CREATE TABLE election_terms (n integer)").await.unwrap();
        let before = place.schema().await;
        assert!(migrate(&place.db).await.unwrap_err().to_string().contains("already exists"));
        assert_eq!(place.schema().await, before);
        // The connection is of use afterwards.
        place.db.execute_unprepared("DROP TABLE election_terms").await.unwrap();
        migrate(&place.db).await.unwrap();
    }
}

#[tokio::test]
async fn steps_of_a_newer_version_are_passed_over_and_not_undone() {
    for place in Place::both().await {
        migrate(&place.db).await.unwrap();
        let newer = "INSERT INTO leader_election_migrations VALUES ('m20990101_000001_something_new', 1)";
        place.run(newer).await.unwrap();

        assert!(is_current(&place.db).await.unwrap());
        migrate(&place.db).await.unwrap();
        Migrator::up(&place.db, None).await.unwrap();
        Migrator::status(&place.db).await.unwrap();
        assert!(Migrator::get_pending_migrations(&place.db).await.unwrap().is_empty());

        let before = place.schema().await;
        for refused in [
            Migrator::down(&place.db, Some(1)).await,
            Migrator::fresh(&place.db).await,
            Migrator::refresh(&place.db).await,
            Migrator::reset(&place.db).await,
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("m20990101_000001_something_new"), "{message}");
        }
        assert_eq!(place.schema().await, before);
    }
}
