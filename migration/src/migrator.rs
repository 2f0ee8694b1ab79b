//! SeaORM's migrator, made safe: one process at a time, all or nothing, and only the election's tables.

use std::time::Duration;
use std::time::Instant;

use sea_orm_migration::IntoSchemaManagerConnection;
use sea_orm_migration::Migration;
use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sea_orm_migration::sea_orm::DatabaseTransaction;
use sea_orm_migration::seaql_migrations;

use crate::lock::LOCK_TIMEOUT;
use crate::lock::begin_locked;
use crate::lock::is_own;
use crate::lock::is_table_lock_timeout;
use crate::steps::Steps;
use crate::steps::unknown_steps;

/// The pause between two attempts to change a locked table, in which the heartbeats that queued up are carried out.
const PAUSE: Duration = Duration::from_secs(1);

/// The migrator of the election's tables, for the stock command line and for an application that runs
/// migrators itself.
///
/// It differs from the stock migrator:
/// - Everything that changes the schema runs in one transaction, under a lock.
/// - The applied migrations are recorded in `leader_election_migrations`.
/// - `fresh`, `refresh` and `reset` drop the election's tables, types and functions and nothing else (the stock `fresh`
///   drops everything in the database).
/// - `up` and `status` ignore migrations that a newer version has applied; `down`, `fresh`, `refresh` and `reset`
///   refuse to run then.
///
/// On PostgreSQL it waits up to 30 seconds for a locked table, 2 seconds at a time, so that heartbeats which queue
/// behind it are carried out in between. In a transaction that the caller began it sets no timeout: the caller chooses
/// them.
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

    // These six only forward the call. The trait's defaults would create the records table first.
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
        Change::Up(steps).run(&db.into_database_executor()).await
    }

    async fn down<'c, C: IntoSchemaManagerConnection<'c>>(db: C, steps: Option<u32>) -> Result<(), DbErr> {
        Change::Down(steps).run(&db.into_database_executor()).await
    }

    /// Drops the election's tables with their rows, and creates them again.
    async fn fresh<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        Self::refresh(db).await
    }

    async fn refresh<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        Change::Refresh.run(&db.into_database_executor()).await
    }

    async fn reset<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        Change::Reset.run(&db.into_database_executor()).await
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
    async fn run(self, db: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
        let start = Instant::now();
        loop {
            let transaction = begin_locked(db).await?;
            match self.apply(&transaction).await {
                Ok(()) => return transaction.commit().await,
                Err(error)
                    if is_own(db) && is_table_lock_timeout(&error) && start.elapsed() < LOCK_TIMEOUT =>
                {
                    transaction.rollback().await?;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn apply(self, transaction: &DatabaseTransaction) -> Result<(), DbErr> {
        match self {
            Self::Up(steps) => up(transaction, steps).await,
            Self::Down(steps) => down(transaction, steps).await,
            Self::Refresh => {
                down(transaction, None).await?;
                up(transaction, None).await
            }
            Self::Reset => {
                down(transaction, None).await?;
                Steps::uninstall(transaction).await
            }
        }
    }
}

async fn up(transaction: &DatabaseTransaction, steps: Option<u32>) -> Result<(), DbErr> {
    Migrator::install(transaction).await?;
    Steps::up(transaction, steps).await
}

async fn down(transaction: &DatabaseTransaction, steps: Option<u32>) -> Result<(), DbErr> {
    let unknown = unknown_steps(transaction).await?;
    if !unknown.is_empty() {
        return Err(DbErr::Migration(format!(
            "a newer version has applied {}: only that version can roll it back",
            unknown.join(", ")
        )));
    }
    Steps::down(transaction, steps).await
}
