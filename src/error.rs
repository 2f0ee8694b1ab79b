//! The one error type of the public API.

use crate::store::error::DatabaseError;
use crate::store::error::Kind;
use crate::store::error::SCHEMA_MISSING;
use crate::store::error::StoreError;

/// What can go wrong, and what that means for the leadership.
///
/// Losing an election or a renewal is not an error: those are outcomes, seen in
/// [`Status`](crate::Status). No message ever contains a password. A message does not repeat that of its
/// [`source`](std::error::Error::source).
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
        /// The field of [`ElectorConfig`](crate::ElectorConfig); `timing` where it is about `heartbeat_interval`,
        /// `election_timeout`, `node_timeout` and `clock_drift`, which are checked against each other; `database`
        /// where it is about the connection that was handed in.
        setting: &'static str,
        /// One line that names the setting and what is wrong with it.
        problem: String,
    },

    /// The `DATABASE_URL` cannot be understood, asks for something that cannot be carried out, or has a run-time
    /// parameter that the server refused. Nothing was started, so there is no leadership.
    #[error("DATABASE_URL: {0}")]
    InvalidDatabaseUrl(String),

    /// The database could not be reached. Trying again may help. A leadership held at that moment is unaffected until
    /// its lease ends.
    #[error("database unreachable at {database}")]
    #[non_exhaustive]
    Unreachable {
        /// Which database, without its password.
        database: String,
        /// What the driver said.
        source: DatabaseError,
    },

    /// The database answered and refused this user: wrong password, unknown role, no right to connect. Trying again
    /// does not help. A leadership held at that moment is unaffected until its lease ends.
    #[error("the database at {database} refused the login")]
    #[non_exhaustive]
    AccessDenied {
        /// Which database, without its password.
        database: String,
        /// What the database said.
        source: DatabaseError,
    },

    /// The tables are not there. Without them nobody leads: where they were dropped, a leadership held at that moment
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
        /// What the database said.
        source: DatabaseError,
    },

    /// Another process registered under this node's id, and the newest wins. This elector has ended; any leadership it
    /// held was over before.
    #[error(
        "node {node_id} was replaced: another process registered under the same node id (give every process its own NODE_ID)"
    )]
    #[non_exhaustive]
    Replaced {
        /// The id both processes used.
        node_id: String,
    },

    /// `start` was called on an elector that was started before. Make a new one. Nothing changed: if this elector
    /// leads, it still does.
    #[error("this elector was started before; make a new one")]
    AlreadyStarted,

    /// The system could not start the elector's thread: it has too many, or no memory for another. Nothing was started;
    /// `start` may be called again.
    #[error("the elector's thread could not be started")]
    NoThread(#[source] std::io::Error),

    /// The elector stopped, and leads no more, but the database could not be told in time. Its row stays until cleanup;
    /// if it led, the others wait for its lease to run out.
    #[error("stopped, but could not deregister in time: a lease lasts until it runs out")]
    StopTimedOut,

    /// The elector has ended and reads nothing any more. It leads no more.
    #[error("the elector has ended")]
    Ended,

    /// One of the elector's own tasks ended in a panic. The leadership, if there was one, was withdrawn.
    #[error("the elector's loop ended unexpectedly: {0}")]
    Crashed(String),
}

/// What kind of error it is, for those who decide by it. See [`Error::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is wrong.
    InvalidConfig,
    /// The connection string is wrong.
    InvalidDatabaseUrl,
    /// No connection came about. Trying again may help.
    Unreachable,
    /// The server has no database of that name. Trying again helps once somebody has created it.
    NoDatabase,
    /// The database refused the login.
    AccessDenied,
    /// The tables are missing.
    SchemaMissing,
    /// The step failed for a reason that passes: a lost connection, a deadlock, no answer in time.
    Transient,
    /// The database takes no writes: a standby, or a read-only file. Trying again may help.
    ReadOnly,
    /// The user may log in, and may not do what the step does.
    MissingPrivilege,
    /// A pooler between here and the database mixes up prepared statements. See the README, "Poolers".
    PoolerWithoutPreparedStatements,
    /// The database turned the step down, and will again.
    Rejected,
    /// Another process took the node's id.
    Replaced,
    /// The elector was started before.
    AlreadyStarted,
    /// The elector's thread could not be started.
    NoThread,
    /// The database could not be told of the stop in time.
    StopTimedOut,
    /// The elector has ended.
    Ended,
    /// A bug: one of the elector's tasks ended in a panic.
    Crashed,
}

impl Error {
    /// What kind of error it is.
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

    /// Whether trying the same again may help with nobody doing anything about it.
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

    /// A step of the caller's own that failed on the election's database, a migration for example: what the database
    /// said is sorted and worded as it is for the elector's own steps.
    ///
    /// The step is named as a noun or a gerund: `creating the tables`.
    pub fn database(step: &'static str, source: impl Into<DatabaseError>) -> Self {
        Self::Database { step, source: source.into() }
    }

    pub(crate) fn invalid_config(setting: &'static str, problem: impl Into<String>) -> Self {
        Self::InvalidConfig { setting, problem: problem.into() }
    }

    /// A step of the elector's own that failed; `database` is the database's name without a password.
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
