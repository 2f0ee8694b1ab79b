//! Why a database step failed, classified by what can be done about it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use sea_orm::ConnAcquireErr;
use sea_orm::DbErr;
use sea_orm::RuntimeErr;
use sea_orm::sqlx;

mod code;
mod kind;

pub(crate) use self::kind::Kind;

/// What to do about missing tables.
pub(crate) const SCHEMA_MISSING: &str = "the election's tables are missing: create them with `leader-election migrate \
                                         up` (or `cargo run -p leader-election-migration --features cli -- up`)";

/// What to do if a prepared statement is missing or already exists.
const POOLER: &str = "a pooler in transaction mode has to keep prepared statements: PgBouncer from 1.21 on, with \
                      max_prepared_statements; or use session mode";

/// The message of the database, or of the driver that could not reach it. It contains no password.
///
/// The source of the [`Error`](crate::Error)s that come from the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatabaseError {
    kind: Kind,
    message: String,
    code: Option<String>,
}

impl DatabaseError {
    /// The database's error code, if the database answered: an SQLSTATE such as `28P01` on PostgreSQL, an extended
    /// result code such as `5` on SQLite.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// `connecting`: whether the error came before there was a connection.
    fn new(error: &DbErr, connecting: bool) -> Self {
        let kind = match kind(error) {
            // The user has no right to connect to this database.
            Kind::MissingPrivilege if connecting => Kind::AccessDenied,
            Kind::Permanent if connecting && is_parameter(error) => Kind::InvalidParameter,
            kind => kind,
        };
        let code = database_error(error).and_then(|error| error.code()).map(Cow::into_owned);
        let mut message = message(error);
        if let Some(hint) = hint(kind) {
            message = format!("{message}; {hint}");
        }
        Self { kind, message, code }
    }

    fn timeout(limit: Duration) -> Self {
        Self { kind: Kind::Timeout, message: format!("no answer within {limit:?}"), code: None }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DatabaseError {}

/// An error after there was a connection.
impl From<&DbErr> for DatabaseError {
    fn from(error: &DbErr) -> Self {
        Self::new(error, false)
    }
}

/// A step that failed. It may have taken effect, unless the database itself rejected it.
#[derive(Clone, Debug)]
pub(crate) struct StoreError {
    /// The step's name.
    pub(crate) step: &'static str,
    /// Whether the error came before there was a connection.
    pub(crate) connecting: bool,
    pub(crate) source: DatabaseError,
}

impl StoreError {
    pub(crate) fn timeout(step: &'static str, connecting: bool, limit: Duration) -> Self {
        Self { step, connecting, source: DatabaseError::timeout(limit) }
    }

    pub(crate) fn new(step: &'static str, connecting: bool, error: &DbErr) -> Self {
        let connecting = connecting || matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_));
        Self { step, connecting, source: DatabaseError::new(error, connecting) }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.source.kind
    }

    /// Whether no answer came in time.
    pub(crate) fn is_timeout(&self) -> bool {
        self.kind() == Kind::Timeout
    }

    /// Whether a retry may help without any change to the configuration or the database.
    #[cfg(any(feature = "sqlite", test))]
    pub(crate) fn is_transient(&self) -> bool {
        self.kind().is_transient()
    }
}

/// One line, for the log.
impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, connecting, source } = self;
        match (source.kind, connecting) {
            (Kind::SchemaMissing, _) => write!(f, "{step} failed: {SCHEMA_MISSING}"),
            (Kind::AccessDenied, _) => write!(f, "the database refused the login: {source}"),
            (_, true) => write!(f, "database unreachable: {source}"),
            (_, false) => write!(f, "{step} failed: {source}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Whether a connection can be used again after this error: the database answered, and rejected only this statement.
pub(super) fn leaves_connection_usable(error: &DbErr) -> bool {
    database_error(error).is_some_and(code::leaves_connection_usable)
}

/// Whether the statement was rejected because a row with that key exists already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    database_error(error).is_some_and(|error| error.is_unique_violation())
}

fn kind(error: &DbErr) -> Kind {
    if let Some(error) = database_error(error) {
        return code::kind(error);
    }
    match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed) => {
            Kind::Transient
        }
        // The row has been deleted in the meantime.
        DbErr::RecordNotFound(_) => Kind::Transient,
        _ => match sqlx_error(error) {
            Some(
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed,
            ) => Kind::Transient,
            _ => Kind::Permanent,
        },
    }
}

/// The server refused a run-time parameter: it does not know the name, or does not accept the value.
fn is_parameter(error: &DbErr) -> bool {
    database_error(error).is_some_and(code::is_parameter)
}

fn hint(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::NoDatabase => Some("create it, or correct the name in DATABASE_URL"),
        Kind::PoolerWithoutPreparedStatements => Some(POOLER),
        _ => None,
    }
}

fn sqlx_error(error: &DbErr) -> Option<&sqlx::Error> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(error))
        | DbErr::Exec(RuntimeErr::SqlxError(error))
        | DbErr::Query(RuntimeErr::SqlxError(error)) => Some(error),
        _ => None,
    }
}

fn database_error(error: &DbErr) -> Option<&dyn sqlx::error::DatabaseError> {
    sqlx_error(error)?.as_database_error()
}

/// The message without the driver's three layers of preamble.
fn message(error: &DbErr) -> String {
    match sqlx_error(error) {
        Some(sqlx::Error::Database(error)) => code::message(&**error),
        Some(sqlx::Error::Io(error)) => error.to_string(),
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(kind: std::io::ErrorKind) -> DbErr {
        DbErr::Conn(RuntimeErr::SqlxError(sqlx::Error::Io(kind.into()).into()))
    }

    #[test]
    fn a_lost_connection_is_transient_and_a_failure_to_connect_says_so() {
        let refused = StoreError::new("renewal", false, &io(std::io::ErrorKind::ConnectionRefused));
        assert!(refused.is_transient() && refused.connecting);
        assert_eq!(refused.to_string(), "database unreachable: connection refused");

        let lost = DbErr::Exec(RuntimeErr::SqlxError(
            sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()).into(),
        ));
        assert!(!leaves_connection_usable(&lost));
        let lost = StoreError::new("renewal", false, &lost);
        assert!(lost.is_transient() && !lost.connecting);
        assert_eq!(lost.to_string(), "renewal failed: connection reset");

        let late = StoreError::timeout("claim", false, Duration::from_secs(2));
        assert!(late.is_transient());
        assert_eq!(late.to_string(), "claim failed: no answer within 2s");
        let late = StoreError::timeout("claim", true, Duration::from_secs(2));
        assert_eq!(late.to_string(), "database unreachable: no answer within 2s");
    }

    #[test]
    fn an_error_from_neither_database_nor_driver_is_permanent() {
        let odd = DbErr::Custom("odd".to_owned());
        assert_eq!(StoreError::new("claim", false, &odd).kind(), Kind::Permanent);
        assert!(!leaves_connection_usable(&odd));
        let gone = DbErr::RecordNotFound("the row has gone".to_owned());
        assert_eq!(StoreError::new("registering", false, &gone).kind(), Kind::Transient);
    }
}
