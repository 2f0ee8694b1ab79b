//! The whole schema as text, for teams that apply it with other tools.

use std::fmt::Write;

use sea_orm_migration::prelude::IntoIden;
use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::sea_orm::Schema;
use sea_orm_migration::seaql_migrations;

use crate::steps::{RECORDS, texts};

/// The whole schema as plain SQL, in one transaction, for a database or schema without the election's tables. It
/// creates what [`migrate`](crate::migrate) creates, and records the migrations as applied.
///
/// For any database but PostgreSQL and SQLite the text is a comment that says so.
///
/// ```
/// use sea_orm_migration::sea_orm::DbBackend;
///
/// let schema = leader_election_migration::sql(DbBackend::Postgres);
/// assert!(schema.contains("CREATE TABLE election_terms"));
/// assert!(schema.contains("INSERT INTO \"leader_election_migrations\""));
/// ```
#[must_use]
pub fn sql(backend: DbBackend) -> String {
    let (begin, now) = match backend {
        DbBackend::Postgres => ("BEGIN;", "extract(epoch FROM clock_timestamp())::bigint"),
        DbBackend::Sqlite => ("BEGIN IMMEDIATE;", "CAST(strftime('%s', 'now') AS integer)"),
        other => return format!("-- leader-election has no schema for {}\n", other.as_str()),
    };
    let mut text = format!("-- The tables of leader-election.\n{begin}\n\n{};\n", records_table(backend));
    for (name, up) in texts() {
        let Ok(up) = up.text(backend) else { continue };
        let record =
            format!("INSERT INTO \"{RECORDS}\" (\"version\", \"applied_at\") VALUES ('{name}', {now});");
        // Writing to a String does not fail.
        let _ = write!(text, "\n-- {name}\n{up}\n{record}\n");
    }
    text.push_str("\nCOMMIT;\n");
    text
}

/// The records table, as the stock migrator creates it.
fn records_table(backend: DbBackend) -> String {
    let mut create = Schema::new(backend).create_table_from_entity(seaql_migrations::Entity);
    create.table(RECORDS.into_iden()).if_not_exists();
    backend.build(&create).to_string()
}
