//! The kinds of databases, each in a file of its own: how to connect, what its SQL looks like, how it wakes nodes up.
//! Another one is another file, and a variant here.

#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::fmt;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::DbErr;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use super::connect::Backend;
use super::error::StoreError;
use super::session::Session;

/// The name of a session in the server's list.
pub(crate) const APPLICATION_NAME: &str = "leader-election";

/// The name of the step that opens a connection.
const CONNECTING: &str = "connecting";

/// Which database, and the options for connections to it.
#[derive(Clone)]
pub(crate) enum ConnectSpec {
    #[cfg(feature = "postgres")]
    Postgres(postgres::Postgres),
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Sqlite),
}

/// How nodes learn that something may have changed in the database.
pub(crate) enum Wakeup {
    /// By a notification, for which they listen on a connection of its own.
    #[cfg(feature = "postgres")]
    Notification(postgres::Listener),
    /// By a number that changes when another connection has written to the file.
    #[cfg(feature = "sqlite")]
    DataVersion,
    /// In one process: an observation is as cheap as asking whether anything changed.
    #[cfg(feature = "sqlite")]
    Polling,
}

impl ConnectSpec {
    /// Copies the options and the pool's hooks (SeaORM's `set_schema_search_path` is one) of a connection that was
    /// passed in. Opens nothing. None if it is no pool of connections to a supported database.
    pub(crate) fn of(connection: &DatabaseConnection, application_name: &str) -> Option<Self> {
        #[cfg(feature = "postgres")]
        if let Some(postgres) = postgres::Postgres::of(connection, application_name) {
            return Some(Self::Postgres(postgres));
        }
        #[cfg(feature = "sqlite")]
        if let Some(sqlite) = sqlite::Sqlite::of(connection, application_name) {
            return Some(Self::Sqlite(sqlite));
        }
        None
    }

    fn backend(&self) -> &dyn Backend {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) => sqlite,
        }
    }

    /// Opens a session. See [`Backend::connect`].
    pub(super) async fn connect(&self, diagnose: bool) -> Result<Session, DbErr> {
        self.backend().connect(diagnose).await
    }

    /// Finds out whether the database can be reached: connects and closes the connection.
    ///
    /// # Errors
    /// Why it cannot be reached, within `limit`.
    pub(crate) async fn ping(&self, limit: Duration) -> Result<(), StoreError> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let error = match timeout(left, self.backend().ping()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => StoreError::new(CONNECTING, true, &error),
                Err(_) => return Err(StoreError::timeout(CONNECTING, true, limit)),
            };
            if !self.backend().ping_may_succeed_in_a_moment(&error) || Instant::now() >= deadline {
                return Err(error);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A small pool for callers. It opens its connections on demand.
    pub(crate) fn pool(&self, acquire_timeout: Duration) -> DatabaseConnection {
        self.backend().pool(acquire_timeout)
    }

    /// How nodes learn that something may have changed.
    pub(crate) fn wakeup(&self) -> Wakeup {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => Wakeup::Notification(postgres.listener()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(sqlite) if sqlite.is_shared() => Wakeup::Polling,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Wakeup::DataVersion,
        }
    }

    /// Whether others use the same connection.
    pub(crate) fn is_shared(&self) -> bool {
        self.backend().is_shared()
    }
}

impl fmt::Debug for ConnectSpec {
    /// Without options: they hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectSpec").finish_non_exhaustive()
    }
}
