//! An open connection, as the requests use it.

use std::ops::Deref;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use sea_orm::ConnectionTrait;
use sea_orm::DbBackend;
use sea_orm::DbErr;
use sea_orm::ExecResult;
use sea_orm::QueryResult;
use sea_orm::Statement;
use sea_orm::prelude::async_trait::async_trait;

use super::dialect::Dialect;

/// Carries statements to the database and results back.
#[async_trait]
pub(super) trait Link: Send + Sync {
    async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr>;

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr>;

    async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr>;

    async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr>;

    /// Begins a transaction with this SQL.
    async fn begin(&self, sql: &str) -> Result<(), DbErr> {
        self.execute_unprepared(sql).await.map(drop)
    }

    async fn commit(&self) -> Result<(), DbErr> {
        self.execute_unprepared("COMMIT").await.map(drop)
    }

    async fn rollback(&self) -> Result<(), DbErr> {
        self.execute_unprepared("ROLLBACK").await.map(drop)
    }

    /// Ends the session, and with it any transaction.
    async fn close(self: Box<Self>);
}

/// An open connection. Statements are sent one after the other.
pub(crate) struct Session {
    link: Box<dyn Link>,
    dialect: &'static dyn Dialect,
    in_transaction: AtomicBool,
}

impl Session {
    pub(super) fn new(link: impl Link + 'static, dialect: &'static dyn Dialect) -> Self {
        Self { link: Box::new(link), dialect, in_transaction: AtomicBool::new(false) }
    }

    /// The SQL of this database.
    pub(super) fn dialect(&self) -> &'static dyn Dialect {
        self.dialect
    }

    /// Begins a transaction under the election's lock, before anything is read. The server ends it when a lock, a
    /// statement or the next command takes longer than half of `limit`. So it ends even if this process stops.
    ///
    /// A read after waiting for the lock shows what was committed in the meantime.
    pub(super) async fn begin_locked(
        &self,
        election: &str,
        limit: Duration,
    ) -> Result<Transaction<'_>, DbErr> {
        self.in_transaction.store(true, Relaxed);
        self.link.begin(&self.dialect.begin_locked(election, limit)).await?;
        Ok(Transaction { session: self })
    }

    /// Whether a transaction is open.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.in_transaction.load(Relaxed)
    }

    pub(super) async fn close(self) {
        self.link.close().await;
    }
}

#[async_trait]
impl ConnectionTrait for Session {
    fn get_database_backend(&self) -> DbBackend {
        self.dialect.kind()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.link.execute(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.link.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.link.query_one(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.link.query_all(statement).await
    }
}

/// A transaction: all statements of its session until its end. If it is dropped without an end, the session's owner
/// closes the session.
pub(super) struct Transaction<'a> {
    session: &'a Session,
}

impl Transaction<'_> {
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        self.session.link.commit().await?;
        self.session.in_transaction.store(false, Relaxed);
        Ok(())
    }

    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        self.session.link.rollback().await?;
        self.session.in_transaction.store(false, Relaxed);
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session
    }
}
