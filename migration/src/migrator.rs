//! The stock migrator, made safe: one at a time, all or nothing, and only what is our own.

use sea_orm_migration::{
    IntoSchemaManagerConnection, Migration,
    prelude::*,
    sea_orm::{ConnectionTrait, DatabaseTransaction},
    seaql_migrations,
};

use crate::{
    lock::begin_alone,
    steps::{Steps, unknown_steps},
};

/// The migrator of the election's tables, for the stock command line and for an application that runs
/// migrators itself.
///
/// It differs from the stock one in this: everything that changes the schema runs in one transaction,
/// under a lock; the records are in `leader_election_migrations`; `fresh`, `refresh` and `reset` take
/// away the election's own tables, types and functions and nothing else (the stock `fresh` drops whatever
/// is in the database); steps applied by a newer version are passed over by `up` and `status`, and
/// refused by what goes down.
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
        let db = db.into_database_executor();
        let transaction = begin_alone(&db).await?;
        climb(&transaction, steps).await?;
        transaction.commit().await
    }

    async fn down<'c, C: IntoSchemaManagerConnection<'c>>(db: C, steps: Option<u32>) -> Result<(), DbErr> {
        let db = db.into_database_executor();
        let transaction = begin_alone(&db).await?;
        descend(&transaction, steps).await?;
        transaction.commit().await
    }

    /// Takes the election's own tables away, whatever is in them, and makes them anew.
    async fn fresh<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        Self::refresh(db).await
    }

    async fn refresh<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        let db = db.into_database_executor();
        let transaction = begin_alone(&db).await?;
        descend(&transaction, None).await?;
        climb(&transaction, None).await?;
        transaction.commit().await
    }

    async fn reset<'c, C: IntoSchemaManagerConnection<'c>>(db: C) -> Result<(), DbErr> {
        let db = db.into_database_executor();
        let transaction = begin_alone(&db).await?;
        descend(&transaction, None).await?;
        Steps::uninstall(&transaction).await?;
        transaction.commit().await
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
