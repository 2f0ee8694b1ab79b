use leader_election_migration::{Migrator, migrate};
use sea_orm_migration::MigratorTrait;

use crate::test_database::TestDatabase;

/// An application's tables, which refer to each other, and its migrator's records.
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
    for database in TestDatabase::both().await {
        database.run(APPLICATION).await.unwrap();
        if database.name.is_some() {
            database.run("CREATE TYPE app_colour AS ENUM ('red'); CREATE FUNCTION app_one() RETURNS int LANGUAGE sql AS 'SELECT 1'").await.unwrap();
        }
        let before = database.schema().await;

        migrate(&database.db).await.unwrap();
        Migrator::fresh(&database.db).await.unwrap();
        Migrator::refresh(&database.db).await.unwrap();
        Migrator::down(&database.db, Some(3)).await.unwrap();
        Migrator::fresh(&database.db).await.unwrap();
        Migrator::reset(&database.db).await.unwrap();

        assert_eq!(database.schema().await, before);
        for table in ["app_things", "app_parts", "seaql_migrations"] {
            assert_eq!(database.count(table).await, 1, "{table}");
        }
    }
}

/// No migration is recorded, so the table is the application's, although it has the same name.
#[tokio::test]
async fn fresh_drops_only_what_it_has_created() {
    for database in TestDatabase::both().await {
        database.run("CREATE TABLE node_records (mine text)").await.unwrap();
        database.run("INSERT INTO node_records VALUES ('kept')").await.unwrap();
        assert!(Migrator::fresh(&database.db).await.is_err());
        assert_eq!(database.count("node_records WHERE mine = 'kept'").await, 1);
    }
}
