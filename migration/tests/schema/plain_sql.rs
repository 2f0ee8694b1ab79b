use leader_election_migration::{is_current, migrate, sql};
use sea_orm_migration::sea_orm::DbBackend;
use testkit::Postgres;

use crate::test_database::TestDatabase;

#[tokio::test]
async fn the_plain_sql_creates_what_the_migrator_creates() {
    for (migrated, by_hand) in TestDatabase::both().await.into_iter().zip(TestDatabase::both().await) {
        migrate(&migrated.db).await.unwrap();
        let text = sql(by_hand.db.get_database_backend());
        match &by_hand.name {
            // With psql, as users of the plain SQL do.
            Some(name) => drop(Postgres::shared().psql_in(name, &text)),
            None => by_hand.run(&text).await.unwrap(),
        }
        assert_eq!(by_hand.schema().await, migrated.schema().await);

        // The migrator takes it as applied.
        assert!(is_current(&by_hand.db).await.unwrap());
        migrate(&by_hand.db).await.unwrap();
        let recent = "leader_election_migrations WHERE applied_at > 1700000000";
        assert_eq!(by_hand.count(recent).await, 3);
        assert_eq!(migrated.count(recent).await, 3);
    }
}

#[tokio::test]
async fn the_plain_sql_is_all_or_nothing() {
    let database = TestDatabase::postgres().await;
    database.run("CREATE TABLE election_terms (n integer)").await.unwrap();
    let before = database.schema().await;
    assert!(
        Postgres::shared().try_psql_in(database.name.as_ref().unwrap(), &sql(DbBackend::Postgres)).is_err()
    );
    assert_eq!(database.schema().await, before);
}
