//! The migrations as the stock migrator runs them: without a lock, and nothing but a migration writes.

use std::collections::HashSet;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sea_orm_migration::sea_orm::Statement;
use sea_orm_migration::seaql_migrations;

use crate::dialect::Dialect;
use crate::m20260101_000001_create_node_records as node_records;
use crate::m20260101_000002_create_election_terms as election_terms;
use crate::m20260101_000003_end_reason_as_text as end_reason;

/// The table that records the applied migrations. An application's migrator keeps its own records beside it in the same
/// database.
pub(crate) const RECORDS: &str = "leader_election_migrations";

const RECORDS_EXIST: Dialect = Dialect {
    // The first table of that name on the search_path: every later statement uses the same one.
    postgres: "SELECT to_regclass('leader_election_migrations') IS NOT NULL AS found",
    sqlite: "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'leader_election_migrations') AS found",
};

/// The stock migrator over the election's migrations, without `install`: the caller of `up` or `down` has created the
/// records table, and everything else only reads.
pub(crate) struct Steps;

#[async_trait::async_trait]
impl MigratorTrait for Steps {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(node_records::Migration),
            Box::new(election_terms::Migration),
            Box::new(end_reason::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        RECORDS.into_iden()
    }

    async fn install<C: ConnectionTrait>(_: &C) -> Result<(), DbErr> {
        Ok(())
    }

    /// The records of this version's migrations. A newer version's are ignored: schema changes are additive, and one
    /// version runs beside the next.
    async fn get_migration_models<C: ConnectionTrait>(db: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        let own: HashSet<String> = Self::migrations().iter().map(|step| step.name().to_owned()).collect();
        let mut records = all_records(db).await?;
        records.retain(|record| own.contains(&record.version));
        Ok(records)
    }
}

/// The applied migrations that this version does not know, in order.
pub(crate) async fn unknown_steps<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    let own: HashSet<String> = Steps::migrations().iter().map(|step| step.name().to_owned()).collect();
    let records = all_records(db).await?;
    Ok(records.into_iter().map(|record| record.version).filter(|version| !own.contains(version)).collect())
}

async fn all_records<C: ConnectionTrait>(db: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
    let backend = db.get_database_backend();
    let exists = Statement::from_string(backend, RECORDS_EXIST.text(backend)?);
    let found = match db.query_one_raw(exists).await? {
        Some(row) => row.try_get("", "found")?,
        None => false,
    };
    if !found {
        return Ok(Vec::new());
    }
    let select = Query::select()
        .column(seaql_migrations::Column::Version)
        .column(seaql_migrations::Column::AppliedAt)
        .from(RECORDS)
        .order_by(seaql_migrations::Column::Version, Order::Asc)
        .take();
    let rows = db.query_all(&select).await?;
    rows.iter()
        .map(|row| {
            Ok(seaql_migrations::Model {
                version: row.try_get("", "version")?,
                applied_at: row.try_get("", "applied_at")?,
            })
        })
        .collect()
}

/// The name and the SQL of every migration, in order.
pub(crate) fn texts() -> [(String, &'static Dialect); 3] {
    [
        (node_records::Migration.name().to_owned(), &node_records::UP),
        (election_terms::Migration.name().to_owned(), &election_terms::UP),
        (end_reason::Migration.name().to_owned(), &end_reason::UP),
    ]
}
