use leader_election_migration::{Migrator, migrate};
use sea_orm_migration::MigratorTrait;

use crate::place::Place;

/// Tables of an application's own, its own migrator's records among them, that also refer to each other.
const APPLICATION: &str = "
    CREATE TABLE app_things (id integer PRIMARY KEY, name text);
    CREATE TABLE app_parts (id integer PRIMARY KEY, thing integer REFERENCES app_things (id));
    CREATE TABLE seaql_migrations (version varchar NOT NULL PRIMARY KEY, applied_at bigint NOT NULL);
    INSERT INTO app_things VALUES (1, 'one');
    INSERT INTO app_parts VALUES (1, 1);
    INSERT INTO seaql_migrations VALUES ('m20200101_000001_create_things', 1);
";

#[tokio::test]
async fn an_applications_tables_are_never_touched() {
    for place in Place::both().await {
        place.run(APPLICATION).await.unwrap();
        if place.name.is_some() {
            place.run("CREATE TYPE app_colour AS ENUM ('red'); CREATE FUNCTION app_one() RETURNS int LANGUAGE sql AS 'SELECT 1'").await.unwrap();
        }
        let before = place.schema().await;

        migrate(&place.db).await.unwrap();
        Migrator::fresh(&place.db).await.unwrap();
        Migrator::refresh(&place.db).await.unwrap();
        Migrator::down(&place.db, Some(3)).await.unwrap();
        Migrator::fresh(&place.db).await.unwrap();
        Migrator::reset(&place.db).await.unwrap();

        assert_eq!(place.schema().await, before);
        for table in ["app_things", "app_parts", "seaql_migrations"] {
            assert_eq!(place.count(table).await, 1, "{table}");
        }
    }
}

/// A table that has the name and is not ours, since no step is recorded, stays, too.
#[tokio::test]
async fn fresh_takes_away_only_what_it_has_made() {
    for place in Place::both().await {
        place.run("CREATE TABLE node_records (mine text)").await.unwrap();
        place.run("INSERT INTO node_records VALUES ('kept')").await.unwrap();
        assert!(Migrator::fresh(&place.db).await.is_err());
        assert_eq!(place.count("node_records WHERE mine = 'kept'").await, 1);
    }
}
