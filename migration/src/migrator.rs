//! The stock migrator, made safe: one at a time, all or nothing, and only what is our own.

use std::time::Duration;
use std::time::Instant;

use sea_orm_migration::IntoSchemaManagerConnection;
use sea_orm_migration::Migration;
use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sea_orm_migration::sea_orm::DatabaseTransaction;
use sea_orm_migration::seaql_migrations;

use crate::lock::PATIENCE;
use crate::lock::begin_alone;
use crate::lock::is_own;
use crate::lock::is_table_lock_timeout;
use crate::steps::Steps;
use crate::steps::unknown_steps;

/// Between two attempts to change a table that others keep locked: the heartbeats that queued up get through.
const PAUSE: Duration = Duration::from_secs(1);

/// The migrator of the election's tables, for the stock command line and for an application that runs
/// migrators itself.
///
/// It differs from the stock one in this: everything that changes the schema runs in one transaction,
/// under a lock; the records are in `leader_election_migrations`; `fresh`, `refresh` and `reset` drop
/// the election's own tables, types and functions and nothing else (the stock `fresh` drops whatever
/// is in the database); steps applied by a newer version are ignored by `up` and `status`, and
/// refused by what goes down.
///
/// On PostgreSQL a table that somebody keeps locked is waited for, for 30 seconds in all and for 2 seconds at a time, so
/// that the heartbeats queued behind the wait get through. Within a transaction of the caller's none of these limits
/// is set: they are the caller's choice.
#[derive(Clone, Copy, Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        Steps::migrations()
    }

    fn migration_table_name() -> DynIden {
        Steps::migration_table_name()
    }

    // These six only pass on. The trait's defaults would create the table of records first.
    async fn get_migration_models<C: ConnectionTrait>(db: &C) -> Result<Vec<seaql_migrations::Model>, DbErr> {
        Steps::get_migration_models(db).await
    }

    async fn get_migration_with_status<C: ConnectionTrait>(db: &C) -> Result<Vec<Migration>, DbErr> {
        Steps::get_migration_with_status(db).await
    }

    async fn get_migration_with_status_read_only<C: ConnectionTrait>(
        db: &C,
    ) -> Result<Vec<Migration>, DbErr> {
        Steps::get_migration_with_status(db).await
    }

    async fn get_pending_migrations<C: ConnectionTrait>(db: &C) -> Result<Vec<Migration>, DbErr> {
        Steps::get_pending_migrations(db).await
    }

    async fn get_applied_migrations<C: ConnectionTrait>(db: &C) -> Result<Vec<Migration>, DbErr> {
        Steps::get_applied_migrations(db).await
    }

    async fn status<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
        Steps::status(db).await
    }

    async fn up<'c, C: IntoSchemaManagerConnection<'c>>(db: C, steps: Option<u32>) -> Result<(), DbErr> {
        Change::Up(steps).carry_out(&db.into_database_executor()).await
    }

    async fn down<'c, C: IntoSchemaManagerConnection<'c>>(db: C, steps: Option<u32>) -> Result<(), DbErr> {
        Change::Down(steps).carry_out(&db.into_database_executor()).await
    }

    /// Drops the election's own tables, whatever is in them, and creates them again.
    async fn fresh<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        Self::refresh(db).await
    }

    async fn refresh<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        Change::Refresh.carry_out(&db.into_database_executor()).await
    }

    async fn reset<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        Change::Reset.carry_out(&db.into_database_executor()).await
    }
}

/// What one transaction does to the schema.
#[derive(Clone, Copy)]
enum Change {
    Up(Option<u32>),
    Down(Option<u32>),
    Refresh,
    Reset,
}

impl Change {
    async fn carry_out(self, db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
        let start = Instant::now();
        loop {
            let transaction = begin_alone(db).await?;
            match self.apply(&transaction).await {
                Ok(()) => return transaction.commit().await,
                Err(error) if is_own(db) && is_table_lock_timeout(&error) && start.elapsed() < PATIENCE => {
                    transaction.rollback().await?;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        match self {
            Self::Up(steps) => climb(transaction, steps).await,
            Self::Down(steps) => descend(transaction, steps).await,
            Self::Refresh => {
                descend(transaction, None).await?;
                climb(transaction, None).await
            }
            Self::Reset => {
                descend(transaction, None).await?;
                Steps::uninstall(transaction).await
            }
        }
    }
}

async fn climb(transaction: &DatabaseTransaction, steps: Option<u32>) -> Result<(), DbErr> {
    Migrator::install(transaction).await?;
    Steps::up(transaction, steps).await
}

async fn descend(transaction: &DatabaseTransaction, steps: Option<u32>) -> Result<(), DbErr> {
    let unknown = unknown_steps(transaction).await?;
    if !unknown.is_empty() {
        return Err(DbErr::Migration(format!(
            "a newer version has applied {}: only that version can undo it",
            unknown.join(", ")
        )));
    }
    Steps::down(transaction, steps).await
}
