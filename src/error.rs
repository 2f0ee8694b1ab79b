//! The one error type of the public API.

use crate::store::error::DatabaseError;
use crate::store::error::Kind;
use crate::store::error::SCHEMA_MISSING;
use crate::store::error::StoreError;

/// The errors, and what each means for the leadership.
///
/// Losing an election or a renewal is not an error but an outcome, seen in [`Status`](crate::Status). No message
/// contains a password. A message does not repeat the message of its [`source`](std::error::Error::source).
///
/// ```
/// use leader_election::{Error, ErrorKind};
///
/// fn exit_code(error: &Error) -> u8 {
///     match error.kind() {
///         ErrorKind::InvalidConfig | ErrorKind::InvalidDatabaseUrl => 2,
///         ErrorKind::Unreachable | ErrorKind::NoDatabase | ErrorKind::AccessDenied => 69,
///         _ => 1,
///     }
/// }
/// # let error = Error::SchemaMissing;
/// # assert_eq!(exit_code(&error), 1);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of its bounds, or two settings contradict each other. Nothing was started, so there is no
    /// leadership.
    #[error("{problem}")]
    #[non_exhaustive]
    InvalidConfig {
        /// The field of [`ElectorConfig`](crate::ElectorConfig). `timing` stands for `heartbeat_interval`,
        /// `election_timeout`, `node_timeout` and `clock_drift`, which are checked against each other, and `database`
        /// for the connection that was passed in.
        setting: &'static str,
        /// One line that names the setting and what is wrong with it.
        problem: String,
    },

    /// The `DATABASE_URL` is invalid, asks for something that is not supported, or has a run-time parameter that the
    /// server refused. Nothing was started, so there is no leadership.
    #[error("DATABASE_URL: {0}")]
    InvalidDatabaseUrl(String),

    /// The database could not be reached. A retry may help. A leadership held at that moment is unaffected until its
    /// lease ends.
    #[error("database unreachable at {database}")]
    #[non_exhaustive]
    Unreachable {
        /// Which database, without its password.
        database: String,
        /// The driver's error.
        source: DatabaseError,
    },

    /// The database answered and refused this user: wrong password, unknown role, no right to connect. A retry does
    /// not help. A leadership held at that moment is unaffected until its lease ends.
    #[error("the database at {database} refused the login")]
    #[non_exhaustive]
    AccessDenied {
        /// Which database, without its password.
        database: String,
        /// The database's error.
        source: DatabaseError,
    },

    /// The tables are missing. Without them no node leads: if they were dropped, a leadership held at that moment
    /// ends with its lease.
    #[error("{SCHEMA_MISSING}")]
    SchemaMissing,

    /// A database step failed, and may or may not have taken effect. A leadership held at that moment is unaffected
    /// until its lease ends.
    #[error("{step} failed")]
    #[non_exhaustive]
    Database {
        /// Which step.
        step: &'static str,
        /// The database's error.
        source: DatabaseError,
    },

    /// A newer process registered with this node's id and replaced this one. This elector has ended; any leadership
    /// it held was over before.
    #[error(
        "node {node_id} was replaced: another process registered under the same node id (give every process its own NODE_ID)"
    )]
    #[non_exhaustive]
    Replaced {
        /// The id both processes used.
        node_id: String,
    },

    /// `start` was called on an elector that was already started. Make a new one. Nothing changed: if this elector
    /// leads, it still does.
    #[error("this elector was already started; create a new one")]
    AlreadyStarted,

    /// The system could not start the elector's thread: too many threads, or no memory for another. Nothing was
    /// started; `start` may be called again.
    #[error("the elector's thread could not be started")]
    NoThread(#[source] std::io::Error),

    /// The elector stopped and no longer leads, but could not deregister from the database in time. Its row stays
    /// until cleanup deletes it; if it led, the other nodes wait for its lease to run out.
    #[error("stopped, but could not deregister in time: a lease stays in force until it expires")]
    StopTimedOut,

    /// The elector has ended. It answers no more reads and no longer leads.
    #[error("the elector has ended")]
    Ended,

    /// One of the elector's own tasks panicked. The leadership, if there was one, was withdrawn.
    #[error("the elector's loop ended unexpectedly: {0}")]
    Crashed(String),
}

/// The kind of an error, for code that decides by it. See [`Error::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is wrong.
    InvalidConfig,
    /// The connection string is wrong.
    InvalidDatabaseUrl,
    /// No connection could be made. A retry may help.
    Unreachable,
    /// The server has no database of that name. A retry helps once it has been created.
    NoDatabase,
    /// The database refused the login.
    AccessDenied,
    /// The tables are missing.
    SchemaMissing,
    /// The step failed for a reason that passes: a lost connection, a deadlock, no answer in time.
    Transient,
    /// The database takes no writes: a standby, or a read-only file. A retry may help.
    ReadOnly,
    /// The user may log in, but lacks a privilege that the step needs.
    MissingPrivilege,
    /// A pooler in front of the database mixes up prepared statements. See docs/connecting.md, "Poolers".
    PoolerWithoutPreparedStatements,
    /// The database rejected the step. A retry gets the same answer.
    Rejected,
    /// Another process took the node's id.
    Replaced,
    /// The elector was already started.
    AlreadyStarted,
    /// The elector's thread could not be started.
    NoThread,
    /// The elector could not deregister from the database in time.
    StopTimedOut,
    /// The elector has ended.
    Ended,
    /// A bug: one of the elector's tasks panicked.
    Crashed,
}

impl Error {
    /// The kind of this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidConfig { .. } => ErrorKind::InvalidConfig,
            Self::InvalidDatabaseUrl(_) => ErrorKind::InvalidDatabaseUrl,
            Self::Unreachable { source, .. } if source.kind() == Kind::NoDatabase => ErrorKind::NoDatabase,
            Self::Unreachable { .. } => ErrorKind::Unreachable,
            Self::AccessDenied { .. } => ErrorKind::AccessDenied,
            Self::SchemaMissing => ErrorKind::SchemaMissing,
            Self::Database { source, .. } => match source.kind() {
                Kind::Timeout | Kind::Transient | Kind::NoDatabase => ErrorKind::Transient,
                Kind::ReadOnly => ErrorKind::ReadOnly,
                Kind::PoolerWithoutPreparedStatements => ErrorKind::PoolerWithoutPreparedStatements,
                Kind::MissingPrivilege => ErrorKind::MissingPrivilege,
                Kind::SchemaMissing | Kind::AccessDenied | Kind::InvalidParameter | Kind::Permanent => {
                    ErrorKind::Rejected
                }
            },
            Self::Replaced { .. } => ErrorKind::Replaced,
            Self::AlreadyStarted => ErrorKind::AlreadyStarted,
            Self::NoThread(_) => ErrorKind::NoThread,
            Self::StopTimedOut => ErrorKind::StopTimedOut,
            Self::Ended => ErrorKind::Ended,
            Self::Crashed(_) => ErrorKind::Crashed,
        }
    }

    /// Whether a retry may help without any change to the configuration or the database.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Unreachable
                | ErrorKind::NoDatabase
                | ErrorKind::Transient
                | ErrorKind::ReadOnly
                | ErrorKind::PoolerWithoutPreparedStatements
        )
    }

    /// An error of the caller's own step on the election's database, a migration for example. It is classified and
    /// worded like the errors of the elector's own steps.
    ///
    /// The step is named as a noun or a gerund: `creating the tables`.
    pub fn database(step: &'static str, source: impl Into<DatabaseError>) -> Self {
        Self::Database { step, source: source.into() }
    }

    pub(crate) fn invalid_config(setting: &'static str, problem: impl Into<String>) -> Self {
        Self::InvalidConfig { setting, problem: problem.into() }
    }

    /// An error of one of the elector's own steps; `database` is the database's name without a password.
    pub(crate) fn of_store(error: StoreError, database: &str) -> Self {
        let StoreError { step, connecting, source } = error;
        let database = database.to_owned();
        match source.kind() {
            Kind::SchemaMissing => Self::SchemaMissing,
            Kind::AccessDenied => Self::AccessDenied { database, source },
            Kind::InvalidParameter => {
                Self::InvalidDatabaseUrl(format!("the server refused a run-time parameter: {source}"))
            }
            Kind::NoDatabase => Self::Unreachable { database, source },
            _ if connecting => Self::Unreachable { database, source },
            _ => Self::Database { step, source },
        }
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::time::Duration;

    use sea_orm::{DbErr, RuntimeErr, sqlx};

    use super::*;

    fn refused() -> DbErr {
        DbErr::Conn(RuntimeErr::SqlxError(
            sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into()).into(),
        ))
    }

    #[test]
    fn an_error_does_not_repeat_its_source() {
        let error =
            Error::of_store(StoreError::new("renewal", true, &refused()), "postgres://me@db:5432/shop");
        assert_eq!(error.to_string(), "database unreachable at postgres://me@db:5432/shop");
        assert_eq!(error.source().unwrap().to_string(), "connection refused");
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Unreachable, true));

        let late = StoreError::timeout("claim", false, Duration::from_secs(2));
        let error = Error::of_store(late, "x");
        assert_eq!(error.to_string(), "claim failed");
        assert_eq!(error.source().unwrap().to_string(), "no answer within 2s");
        assert_eq!((error.kind(), error.is_transient()), (ErrorKind::Transient, true));

        let odd = Error::database("migrating", &DbErr::Custom("odd".to_owned()));
        assert_eq!((odd.kind(), odd.is_transient()), (ErrorKind::Rejected, false));
        assert!(odd.source().unwrap().downcast_ref::<DatabaseError>().unwrap().code().is_none());
    }
}
