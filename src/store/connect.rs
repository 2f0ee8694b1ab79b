//! How connections are opened.

use std::{fmt, time::Duration};

use sea_orm::{
    ConnAcquireErr, DatabaseConnection, DatabaseConnectionType, DbErr, RuntimeErr,
    sqlx::{self, ConnectOptions as _},
};
#[cfg(feature = "postgres")]
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
#[cfg(feature = "sqlite")]
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use tokio::time::{Instant, sleep, timeout};

use super::failure::Failure;
#[cfg(feature = "postgres")]
use super::options::postgres::cut_to_name;
#[cfg(feature = "sqlite")]
use super::options::sqlite::BUSY_TIMEOUT;
use crate::Error;

/// What the step is called that opens a connection.
const CONNECTING: &str = "connecting";

/// How many connections a caller of `DatabaseUrl::connect` gets. SQLite has one writer anyway.
#[cfg(feature = "postgres")]
const SMALL: u32 = 3;

/// A pool waits this long for a connection; the real limits are those of the steps, and shorter.
const NO_LIMIT: Duration = Duration::from_secs(3600);

/// After this long without a connection it is time to find out why. The pool tries again and again on its own
/// when it is turned away, and keeps the reason to itself.
#[cfg(feature = "postgres")]
const WHY_DELAY: Duration = Duration::from_millis(250);

/// What connections are opened with.
#[derive(Clone)]
pub(crate) enum Target {
    /// The options of a connection, and the hooks of the pool they came from.
    #[cfg(feature = "postgres")]
    Postgres(Box<PgConnectOptions>, Box<PgPoolOptions>),
    /// The same for a SQLite file.
    #[cfg(feature = "sqlite")]
    Sqlite(Box<SqliteConnectOptions>, Box<SqlitePoolOptions>),
    /// A database in memory: it is gone with its connection, which therefore everybody has to use.
    #[cfg(feature = "sqlite")]
    Shared(DatabaseConnection),
}

impl Target {
    #[cfg(feature = "postgres")]
    pub(crate) fn postgres(options: PgConnectOptions) -> Self {
        Self::Postgres(Box::new(options), Box::default())
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(options: SqliteConnectOptions, in_memory: bool) -> Self {
        if !in_memory {
            return Self::Sqlite(Box::new(options), Box::default());
        }
        let pool = lane_pool(SqlitePoolOptions::new()).connect_lazy_with(options);
        Self::Shared(DatabaseConnection::from(pool))
    }

    /// Copies what a connection that was handed in was opened with: its options, and its pool's hooks
    /// (SeaORM's `set_schema_search_path` is one). Nothing is opened here.
    pub(crate) fn of(connection: &DatabaseConnection, application_name: &str) -> Result<Self, Error> {
        match &connection.inner {
            #[cfg(feature = "postgres")]
            DatabaseConnectionType::SqlxPostgresPoolConnection(_) => {
                let pool = connection.get_postgres_connection_pool();
                let options = PgConnectOptions::clone(&pool.connect_options())
                    .application_name(&cut_to_name(application_name))
                    .disable_statement_logging();
                Ok(Self::Postgres(Box::new(options), Box::new(pool.options().clone())))
            }
            #[cfg(feature = "sqlite")]
            DatabaseConnectionType::SqlxSqlitePoolConnection(_) => {
                let pool = connection.get_sqlite_connection_pool();
                let options = SqliteConnectOptions::clone(&pool.connect_options());
                if is_in_memory(&options) {
                    return Ok(Self::Shared(connection.clone()));
                }
                let options = options.busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
                Ok(Self::Sqlite(Box::new(options), Box::new(pool.options().clone())))
            }
            #[allow(
                unreachable_patterns,
                reason = "which other variants there are is up to SeaORM's features"
            )]
            _ => {
                let _ = application_name;
                Err(Error::InvalidConfig(
                    "the database connection has to be a pool of PostgreSQL or SQLite connections".to_owned(),
                ))
            }
        }
    }

    /// Finds out whether the database can be reached: connects, and hangs up.
    pub(crate) async fn reach(&self, limit: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let failure = match timeout(left, self.connect_once()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => Failure::sort(CONNECTING, true, error),
                Err(_) => return Err(Failure::timeout(CONNECTING, true, limit)),
            };
            let may_pass = match self {
                // The file is locked for a moment while the first process that opens it turns it to
                // write-ahead logging, and SQLite does not wait for that lock.
                #[cfg(feature = "sqlite")]
                Self::Sqlite(..) => failure.is_transient(),
                _ => false,
            };
            if !may_pass || Instant::now() >= deadline {
                return Err(failure);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// A pool for callers. It opens its connections when they are asked for.
    pub(crate) fn small_pool(&self, acquire_limit: Duration) -> DatabaseConnection {
        let _ = acquire_limit;
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(options, pool) => {
                let pool = pool.as_ref().clone().max_connections(SMALL).acquire_timeout(acquire_limit);
                pool.connect_lazy_with(options.as_ref().clone()).into()
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options, pool) => {
                let pool = pool.as_ref().clone().max_connections(1).acquire_timeout(acquire_limit);
                pool.connect_lazy_with(options.as_ref().clone()).into()
            }
            #[cfg(feature = "sqlite")]
            Self::Shared(connection) => connection.clone(),
        }
    }

    /// A pool of one connection, for LISTEN.
    #[cfg(feature = "postgres")]
    pub(crate) fn listener_pool(options: &PgConnectOptions, pool: &PgPoolOptions) -> PgPool {
        lane_pool(pool.clone()).connect_lazy_with(options.clone())
    }

    /// A pool of one connection, for a lane. It opens the connection when it is asked for.
    pub(super) fn single(&self) -> Single {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(options, pool) => {
                Single::Postgres(lane_pool(pool.as_ref().clone()).connect_lazy_with(options.as_ref().clone()))
            }
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options, pool) => {
                Single::Sqlite(lane_pool(pool.as_ref().clone()).connect_lazy_with(options.as_ref().clone()))
            }
            #[cfg(feature = "sqlite")]
            Self::Shared(connection) => Single::Shared(connection.clone()),
        }
    }

    /// Whether others use the same connection.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Shared(_) => true,
            _ => false,
        }
    }

    async fn connect_once(&self) -> Result<(), DbErr> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(options, _) => hang_up(options.connect().await).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(options, _) => hang_up(options.connect().await).await,
            #[cfg(feature = "sqlite")]
            Self::Shared(connection) => connection.ping().await,
        }
    }
}

impl fmt::Debug for Target {
    /// Without options: they hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(..) => "Target::Postgres",
            #[cfg(feature = "sqlite")]
            Self::Sqlite(..) => "Target::Sqlite",
            #[cfg(feature = "sqlite")]
            Self::Shared(_) => "Target::Shared",
        })
    }
}

/// A pool of one connection.
#[derive(Clone)]
pub(super) enum Single {
    #[cfg(feature = "postgres")]
    Postgres(PgPool),
    #[cfg(feature = "sqlite")]
    Sqlite(SqlitePool),
    #[cfg(feature = "sqlite")]
    Shared(DatabaseConnection),
}

impl Single {
    pub(super) fn connection(&self) -> DatabaseConnection {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => pool.clone().into(),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => pool.clone().into(),
            #[cfg(feature = "sqlite")]
            Self::Shared(connection) => connection.clone(),
        }
    }

    /// Whether there is a connection, once the one that was last used has come back. The pool asks it for a
    /// sign of life then, and drops it when there is none; what it would do next is connect anew, and keep to
    /// itself why it cannot.
    pub(super) async fn is_open(&self) -> bool {
        loop {
            let (size, idle) = match self {
                #[cfg(feature = "postgres")]
                Self::Postgres(pool) => (pool.size(), pool.num_idle()),
                #[cfg(feature = "sqlite")]
                Self::Sqlite(pool) => (pool.size(), pool.num_idle()),
                #[cfg(feature = "sqlite")]
                Self::Shared(_) => return true,
            };
            if size == 0 || idle > 0 {
                return size > 0;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Opens the connection, or says why that cannot be done.
    pub(super) async fn open(&self, target: &Target) -> Result<(), DbErr> {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => tokio::select! {
                opened = open_session(pool) => opened,
                error = why_not(target) => Err(error),
            },
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => pool.acquire().await.map(drop).map_err(connecting_failed),
            #[cfg(feature = "sqlite")]
            Self::Shared(_) => {
                let _ = target;
                Ok(())
            }
        }
    }

    /// From now on a connection that comes back is closed, whatever state it is in, and none is handed out.
    /// A shared connection stays.
    pub(super) fn retire(&self) {
        match self {
            // The flag is set by the call; what the future does, `close` does.
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => drop(pool.close()),
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => drop(pool.close()),
            #[cfg(feature = "sqlite")]
            Self::Shared(_) => {}
        }
    }

    /// Closes the connection, once it came back.
    pub(super) async fn close(&self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => pool.close().await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => pool.close().await,
            #[cfg(feature = "sqlite")]
            Self::Shared(_) => {}
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Shared(_) => true,
            _ => false,
        }
    }
}

/// Opens the connection, and has the server look whether its client is still there: a command that was given up
/// while it waits for a lock would wait on, and every new attempt would be one more session that does. Since
/// PostgreSQL 14, and not on every system; where it cannot be had, do without. It is the one setting of the session,
/// because a pooler may hand the session to others: they lose nothing by it.
#[cfg(feature = "postgres")]
async fn open_session(pool: &PgPool) -> Result<(), DbErr> {
    const LOOK_FOR_THE_CLIENT: &str = "SELECT set_config('client_connection_check_interval', '1s', false) \
                                       WHERE current_setting('server_version_num')::int >= 140000";
    let mut connection = pool.acquire().await.map_err(connecting_failed)?;
    match sqlx::raw_sql(LOOK_FOR_THE_CLIENT).execute(&mut *connection).await {
        Ok(_) | Err(sqlx::Error::Database(_)) => Ok(()),
        Err(error) => Err(connecting_failed(error)),
    }
}

/// Waits, tries for itself, and returns only if that fails.
#[cfg(feature = "postgres")]
async fn why_not(target: &Target) -> DbErr {
    sleep(WHY_DELAY).await;
    match target.connect_once().await {
        Err(error) => error,
        Ok(()) => std::future::pending().await,
    }
}

async fn hang_up<C: sqlx::Connection>(connected: Result<C, sqlx::Error>) -> Result<(), DbErr> {
    // It was reached: how the parting goes does not matter.
    let _ = connected.map_err(connecting_failed)?.close().await;
    Ok(())
}

fn connecting_failed(error: sqlx::Error) -> DbErr {
    match error {
        sqlx::Error::PoolTimedOut => DbErr::ConnectionAcquire(ConnAcquireErr::Timeout),
        sqlx::Error::PoolClosed => DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed),
        error => DbErr::Conn(RuntimeErr::SqlxError(error.into())),
    }
}

/// One connection that stays, whatever the pool was that the hooks came from.
fn lane_pool<DB: sqlx::Database>(pool: sqlx::pool::PoolOptions<DB>) -> sqlx::pool::PoolOptions<DB> {
    pool.min_connections(0)
        .max_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(NO_LIMIT)
}

#[cfg(feature = "sqlite")]
fn is_in_memory(options: &SqliteConnectOptions) -> bool {
    let file = options.get_filename().to_string_lossy();
    if file.is_empty() || file == ":memory:" || (file.starts_with("file:") && file.contains("memory")) {
        return true;
    }
    // The options tell it only by their URL, which in turn cannot be built of every file name.
    let url = options.clone().filename("/file").to_url_lossy();
    url.query_pairs().any(|(name, value)| name == "mode" && value == "memory")
}
