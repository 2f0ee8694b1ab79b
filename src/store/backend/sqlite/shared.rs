//! A connection of a database in memory, shared with others through its pool.

use sea_orm::ConnectionTrait;
use sea_orm::DatabaseConnection;
use sea_orm::DatabaseTransaction;
use sea_orm::DbErr;
use sea_orm::ExecResult;
use sea_orm::QueryResult;
use sea_orm::SqliteTransactionMode;
use sea_orm::Statement;
use sea_orm::TransactionOptions;
use sea_orm::TransactionTrait;
use sea_orm::prelude::async_trait::async_trait;
use tokio::sync::Mutex;

use crate::store::session::Link;

/// Borrows the connection for every statement, and for the whole of a transaction. Dropping it in a transaction rolls
/// that back and returns the connection to its pool.
pub(super) struct Shared {
    connection: DatabaseConnection,
    transaction: Mutex<Option<DatabaseTransaction>>,
}

impl Shared {
    pub(super) fn new(connection: DatabaseConnection) -> Self {
        Self { connection, transaction: Mutex::new(None) }
    }
}

#[async_trait]
impl Link for Shared {
    async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &*self.transaction.lock().await {
            Some(transaction) => transaction.execute_raw(statement).await,
            None => self.connection.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &*self.transaction.lock().await {
            Some(transaction) => transaction.execute_unprepared(sql).await,
            None => self.connection.execute_unprepared(sql).await,
        }
    }

    async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &*self.transaction.lock().await {
            Some(transaction) => transaction.query_one_raw(statement).await,
            None => self.connection.query_one_raw(statement).await,
        }
    }

    async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &*self.transaction.lock().await {
            Some(transaction) => transaction.query_all_raw(statement).await,
            None => self.connection.query_all_raw(statement).await,
        }
    }

    /// Ignores the SQL: SeaORM itself has to begin the transaction, so that it rolls it back on drop.
    async fn begin(&self, _: &str) -> Result<(), DbErr> {
        let mut transaction = self.transaction.lock().await;
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        *transaction = Some(self.connection.begin_with_options(immediate).await?);
        Ok(())
    }

    async fn commit(&self) -> Result<(), DbErr> {
        match self.transaction.lock().await.take() {
            Some(transaction) => transaction.commit().await,
            None => Ok(()),
        }
    }

    async fn rollback(&self) -> Result<(), DbErr> {
        match self.transaction.lock().await.take() {
            Some(transaction) => transaction.rollback().await,
            None => Ok(()),
        }
    }

    /// The connection belongs to the pool.
    async fn close(self: Box<Self>) {}
}
