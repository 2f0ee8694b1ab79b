//! PostgreSQL.

mod dialect;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm::DatabaseConnectionType;
use sea_orm::DbErr;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sqlx;
use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::postgres::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::time::sleep;

use crate::store::connect::Backend;
use crate::store::connect::connecting_failed;
use crate::store::connect::pool_of_one;
use crate::store::error::StoreError;
use crate::store::link::Plain;
use crate::store::session::Session;

pub(crate) use self::dialect::CHANNEL;
pub(in crate::store) use self::dialect::PostgresDialect;

/// How many connections a caller of `DatabaseUrl::connect` gets.
const POOL_SIZE: u32 = 3;

/// How long to wait for a connection before finding out why there is none.
const DIAGNOSIS_DELAY: Duration = Duration::from_millis(250);

/// The session settings of the elector, for servers of version 14 or later:
///
/// - The server checks that its client is still there. Otherwise a command that was given up while it waits for a
///   lock would wait on, and every new attempt would add one more such session. Not every operating system supports
///   this.
/// - The server does not end the session for being idle. A listener is always idle, and the others are between
///   heartbeats.
///
/// A pooler may give the session to other clients. Neither setting harms them.
pub(crate) const SESSION_SETTINGS: &str = "SELECT set_config('idle_session_timeout', '0', false), \
     set_config('client_connection_check_interval', '1s', false) \
     WHERE current_setting('server_version_num')::int >= 140000";

/// A PostgreSQL database.
#[derive(Clone)]
pub(crate) struct Postgres {
    options: Box<PgConnectOptions>,
    /// The hooks of the pool that was passed in.
    hooks: Option<Box<PgPoolOptions>>,
    /// Whether a pooler has refused `default_transaction_isolation`. Then it is not requested again.
    isolation_refused: Arc<AtomicBool>,
}

impl Postgres {
    pub(crate) fn new(options: PgConnectOptions) -> Self {
        Self { options: Box::new(options), hooks: None, isolation_refused: Arc::default() }
    }

    pub(super) fn of(connection: &DatabaseConnection, application_name: &str) -> Option<Self> {
        let DatabaseConnectionType::SqlxPostgresPoolConnection(_) = &connection.inner else { return None };
        let pool = connection.get_postgres_connection_pool();
        let options = PgConnectOptions::clone(&pool.connect_options())
            .application_name(&truncate_name(application_name))
            .disable_statement_logging();
        Some(Self { hooks: Some(Box::new(pool.options().clone())), ..Self::new(options) })
    }

    /// How connections that listen are opened.
    pub(super) fn listener(&self) -> Listener {
        Listener { options: self.options.clone(), hooks: self.hooks.clone() }
    }

    /// Statements that are no transaction of their own run at READ COMMITTED, whatever the role's default: at a higher
    /// level a lost race is an error, and costs the connection.
    ///
    /// It is requested when the session starts, so that a pooler which gives the session to other clients knows of
    /// it. Many poolers refuse that, each with its own message: they are not asked again.
    async fn open(&self, diagnose: bool) -> Result<PgConnection, sqlx::Error> {
        let plain = || self.options.as_ref().clone();
        if self.isolation_refused.load(Relaxed) {
            return self.open_with(plain(), diagnose).await;
        }
        let isolation = [("default_transaction_isolation", "read committed")];
        match self.open_with(plain().options(isolation), diagnose).await {
            Err(error) if may_be_a_refused_parameter(&error) => {
                let opened = self.open_with(plain(), diagnose).await?;
                self.isolation_refused.store(true, Relaxed);
                Ok(opened)
            }
            opened => opened,
        }
    }

    async fn open_with(
        &self,
        options: PgConnectOptions,
        diagnose: bool,
    ) -> Result<PgConnection, sqlx::Error> {
        let Some(hooks) = &self.hooks else { return options.connect().await };
        // Only a pool runs the hooks. When it is refused, it retries and does not report the reason.
        let pool = pool_of_one(hooks.as_ref().clone()).connect_lazy_with(options.clone());
        tokio::select! {
            opened = pool.acquire() => opened.map(|connection| connection.detach()),
            error = why_not(&options), if diagnose => Err(error),
        }
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn connect(&self, diagnose: bool) -> Result<Session, DbErr> {
        let mut connection = self.open(diagnose).await.map_err(connecting_failed)?;
        match sqlx::raw_sql(SESSION_SETTINGS).execute(&mut connection).await {
            Ok(_) | Err(sqlx::Error::Database(_)) => {}
            Err(error) => return Err(connecting_failed(error)),
        }
        Ok(Session::new(Plain::<sqlx::Postgres>::new(connection), &PostgresDialect))
    }

    async fn ping(&self) -> Result<(), DbErr> {
        let connection = self.options.connect().await.map_err(connecting_failed)?;
        // The database was reached. The result of closing does not matter.
        drop(connection.close().await);
        Ok(())
    }

    fn ping_may_succeed_in_a_moment(&self, _: &StoreError) -> bool {
        false
    }

    fn pool(&self, acquire_timeout: Duration) -> DatabaseConnection {
        let hooks = self.hooks.as_deref().cloned().unwrap_or_default();
        let pool = hooks.max_connections(POOL_SIZE).acquire_timeout(acquire_timeout);
        pool.connect_lazy_with(self.options.as_ref().clone()).into()
    }
}

/// What connections that listen are opened with.
pub(crate) struct Listener {
    options: Box<PgConnectOptions>,
    hooks: Option<Box<PgPoolOptions>>,
}

impl Listener {
    /// A pool of one connection, which it opens on demand.
    pub(crate) fn pool(&self) -> PgPool {
        let hooks = self.hooks.as_deref().cloned().unwrap_or_default();
        pool_of_one(hooks).connect_lazy_with(self.options.as_ref().clone())
    }
}

/// Waits, connects without the pool, and returns only if that fails.
async fn why_not(options: &PgConnectOptions) -> sqlx::Error {
    sleep(DIAGNOSIS_DELAY).await;
    match options.connect().await {
        Err(error) => error,
        Ok(connection) => {
            drop(connection.close().await);
            std::future::pending().await
        }
    }
}

/// Whether the login was refused for a reason that a login with fewer parameters may not have: not for its user, its
/// database, or the state of the server.
fn may_be_a_refused_parameter(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| !["28", "3D", "53", "57"].iter().any(|class| code.starts_with(class)))
}

/// Truncates to the part of a name that PostgreSQL keeps: 63 bytes.
pub(crate) fn truncate_name(text: &str) -> String {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|&end| end <= 63).last();
    text[..end.unwrap_or(0)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_truncated_between_characters() {
        assert_eq!(truncate_name("leader-election/node-1"), "leader-election/node-1");
        assert_eq!(truncate_name(&"x".repeat(64)), "x".repeat(63));
        assert_eq!(truncate_name(&"é".repeat(40)), "é".repeat(31));
        assert_eq!(truncate_name(""), "");
    }
}
