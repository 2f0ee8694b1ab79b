//! SQLite.

mod dialect;
mod shared;

use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::DatabaseConnectionType;
use sea_orm::DbErr;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx;
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::sqlite::SqliteSynchronous;

use self::dialect::SqliteDialect;
use self::shared::Shared;
use crate::store::connect::Backend;
use crate::store::connect::connecting_failed;
use crate::store::connect::pool_of_one;
use crate::store::error::StoreError;
use crate::store::link::Plain;
use crate::store::session::Session;

/// How long a statement waits for another process's transaction. The wait cannot be ended early, because SQLite's
/// thread sleeps in it. So it is short, and a step that still wants the lock retries.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// A SQLite database.
#[derive(Clone)]
pub(crate) enum Sqlite {
    /// A file, and the hooks of the pool that was passed in.
    File(Box<SqliteConnectOptions>, Option<Box<SqlitePoolOptions>>),
    /// A database in memory. It ends with its connection, so all users share that connection.
    InMemory(DatabaseConnection),
}

impl Sqlite {
    pub(crate) fn new(options: SqliteConnectOptions, in_memory: bool) -> Self {
        if !in_memory {
            return Self::File(Box::new(options), None);
        }
        let pool = pool_of_one(SqlitePoolOptions::new()).connect_lazy_with(options);
        Self::InMemory(DatabaseConnection::from(pool))
    }

    pub(super) fn of(connection: &DatabaseConnection, _application_name: &str) -> Option<Self> {
        let DatabaseConnectionType::SqlxSqlitePoolConnection(_) = &connection.inner else { return None };
        let pool = connection.get_sqlite_connection_pool();
        let options = SqliteConnectOptions::clone(&pool.connect_options());
        if is_in_memory(&options) {
            return Some(Self::InMemory(connection.clone()));
        }
        // FULL: with NORMAL a power failure may lose the last commits, and a lost claim would let its term come back.
        // The setting belongs to each connection.
        let options = options
            .busy_timeout(BUSY_TIMEOUT)
            .synchronous(SqliteSynchronous::Full)
            .disable_statement_logging();
        Some(Self::File(Box::new(options), Some(Box::new(pool.options().clone()))))
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn connect(&self, _: bool) -> Result<Session, DbErr> {
        let (options, hooks) = match self {
            Self::File(options, hooks) => (options, hooks),
            Self::InMemory(connection) => {
                return Ok(Session::new(Shared::new(connection.clone()), &SqliteDialect));
            }
        };
        let connection = match hooks {
            // Only a pool runs the hooks.
            Some(hooks) => {
                let pool = pool_of_one(hooks.as_ref().clone()).connect_lazy_with(options.as_ref().clone());
                pool.acquire().await.map(|connection| connection.detach())
            }
            None => options.connect().await,
        };
        let connection = connection.map_err(connecting_failed)?;
        Ok(Session::new(Plain::<sqlx::Sqlite>::new(connection), &SqliteDialect))
    }

    async fn ping(&self) -> Result<(), DbErr> {
        match self {
            Self::File(options, _) => {
                let connection = options.connect().await.map_err(connecting_failed)?;
                // The database was reached. The result of closing does not matter.
                drop(connection.close().await);
                Ok(())
            }
            Self::InMemory(connection) => connection.ping().await,
        }
    }

    /// The first process that opens the file switches it to write-ahead logging. The file is locked during that, and
    /// SQLite does not wait for that lock.
    fn ping_may_succeed_in_a_moment(&self, error: &StoreError) -> bool {
        matches!(self, Self::File(..)) && error.is_transient()
    }

    /// One connection: SQLite has one writer anyway.
    fn pool(&self, acquire_timeout: Duration) -> DatabaseConnection {
        match self {
            Self::File(options, hooks) => {
                let hooks = hooks.as_deref().cloned().unwrap_or_default();
                let pool = hooks.max_connections(1).acquire_timeout(acquire_timeout);
                pool.connect_lazy_with(options.as_ref().clone()).into()
            }
            Self::InMemory(connection) => connection.clone(),
        }
    }

    fn is_shared(&self) -> bool {
        matches!(self, Self::InMemory(_))
    }
}

fn is_in_memory(options: &SqliteConnectOptions) -> bool {
    let file = options.get_filename().to_string_lossy();
    if file.is_empty() || file == ":memory:" || (file.starts_with("file:") && file.contains("memory")) {
        return true;
    }
    // Only the URL of the options shows it, and that URL cannot be built from every file name.
    let url = options.clone().filename("/file").to_url_lossy();
    url.query_pairs().any(|(name, value)| name == "mode" && value == "memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_in_memory_is_distinguished_from_a_file() {
        for (url, in_memory) in [
            ("sqlite::memory:", true),
            ("sqlite://?mode=memory", true),
            ("sqlite://shared?mode=memory&cache=shared", true),
            ("sqlite:///tmp/a.db", false),
            ("sqlite:///tmp/memory.db", false),
            ("sqlite:///tmp/a.db?mode=rwc", false),
        ] {
            let options: SqliteConnectOptions = url.parse().unwrap();
            assert_eq!(is_in_memory(&options), in_memory, "{url}");
        }
        for (file, in_memory) in
            [("", true), (":memory:", true), ("file:x?mode=memory", true), ("x y#z", false)]
        {
            assert_eq!(is_in_memory(&SqliteConnectOptions::new().filename(file)), in_memory, "{file}");
        }
    }

    /// It is gone with its connection.
    #[tokio::test]
    async fn the_connection_of_a_database_in_memory_is_kept_for_ever() {
        let Sqlite::InMemory(connection) = Sqlite::new(SqliteConnectOptions::new(), true) else { panic!() };
        let pool = connection.get_sqlite_connection_pool();
        assert_eq!((pool.options().get_idle_timeout(), pool.options().get_max_lifetime()), (None, None));
        assert_eq!(pool.options().get_max_connections(), 1);
    }
}
