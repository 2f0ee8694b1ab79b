//! The election's tables: their migrations, and the ways to run them.
//!
//! A node calls [`migrate`] when it starts, or [`is_current`] when it must not change the schema. The feature `cli`
//! adds the stock migration command line (`cargo run -p leader-election-migration --features cli -- up`), and [`sql`]
//! prints the schema for teams that apply it with other tools. All of them leave everything else in the database alone.

mod dialect;
mod lock;
mod m20260101_000001_create_node_records;
mod m20260101_000002_create_election_terms;
mod m20260101_000003_end_reason_as_text;
mod migrator;
mod plain_sql;
mod steps;

use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::DatabaseConnection;
use sea_orm_migration::sea_orm::DbErr;

pub use crate::migrator::Migrator;
pub use crate::plain_sql::sql;

/// Applies the migrations that are not applied yet, in one transaction and under a lock, so that nodes which start
/// together do not collide.
///
/// When nothing has to be applied it only reads, and needs no privilege but SELECT on `leader_election_migrations`.
/// It ignores migrations that a newer version has applied.
///
/// # Errors
/// The database failed; it is neither PostgreSQL nor SQLite; another process held the lock for longer than 30 seconds;
/// a migration failed. After an error nothing has changed.
pub async fn migrate(db: &DatabaseConnection) -> Result<(), DbErr> {
    if is_current(db).await? {
        return Ok(());
    }
    Migrator::up(db, None).await
}

/// Whether every migration of this version is applied. Only reads.
///
/// # Errors
/// The database failed, or it is neither PostgreSQL nor SQLite.
pub async fn is_current(db: &DatabaseConnection) -> Result<bool, DbErr> {
    Ok(Migrator::get_pending_migrations_read_only(db).await?.is_empty())
}
