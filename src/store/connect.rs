//! What each kind of database implements for connections to it.

use std::time::Duration;

use sea_orm::ConnAcquireErr;
use sea_orm::DatabaseConnection;
use sea_orm::DbErr;
use sea_orm::RuntimeErr;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx;

use super::error::StoreError;
use super::session::Session;

/// How to connect to one kind of database.
#[async_trait]
pub(super) trait Backend: Send + Sync {
    /// Opens a session.
    ///
    /// Some ways to open one retry without reporting the reason. With `diagnose` the reason is found out and
    /// returned, which costs another login.
    async fn connect(&self, diagnose: bool) -> Result<Session, DbErr>;

    /// Finds out whether the database can be reached: connects and closes the connection.
    async fn ping(&self) -> Result<(), DbErr>;

    /// Whether a ping that failed may succeed in a moment, for a reason of this kind of database.
    fn ping_may_succeed_in_a_moment(&self, error: &StoreError) -> bool;

    /// A small pool for callers. It opens its connections on demand.
    fn pool(&self, acquire_timeout: Duration) -> DatabaseConnection;

    /// Whether others use the same connection.
    fn is_shared(&self) -> bool {
        false
    }
}

/// The error of an attempt to connect, as SeaORM's type.
pub(super) fn connecting_failed(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}

/// A pool of one connection, used for its hooks.
pub(super) fn pool_of_one<DB: sqlx::Database>(
    pool: sqlx::pool::PoolOptions<DB>,
) -> sqlx::pool::PoolOptions<DB> {
    /// The limits of the steps apply; they are shorter.
    const NO_LIMIT: Duration = Duration::from_secs(3600);

    pool.min_connections(0)
        .max_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(NO_LIMIT)
}
