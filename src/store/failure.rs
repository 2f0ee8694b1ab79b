//! Why a step on the database did not succeed, sorted by what to do next.

use std::{error::Error as StdError, time::Duration};

use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, sqlx};

use crate::Error;

/// What is meant by a prepared statement that is not there, or that is already.
const POOLER: &str = "; a pooler in transaction mode has to keep prepared statements \
                      (PgBouncer from 1.21 on, with max_prepared_statements)";

/// A step that failed. Whether it took effect is not known, unless the server itself turned it down.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Which step.
    pub(crate) during: &'static str,
    /// Whether there was no connection yet.
    pub(crate) connecting: bool,
    pub(crate) cause: Cause,
}

/// What to do about it.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    /// No answer in time. Try again.
    Timeout(Duration),
    /// The connection broke, or the server asks to try again (deadlock, shutdown, read-only replica, ...).
    Transient(DbErr),
    /// The server has no database of that name. An init script may be about to create it: try again.
    NoDatabase(DbErr),
    /// Tables or columns are missing. Migrate, then try again.
    SchemaMissing,
    /// The login was refused. A person has to do something.
    Refused(DbErr),
    /// The server turned the step down and will again.
    Permanent(DbErr),
}

impl Failure {
    pub(super) fn timeout(during: &'static str, connecting: bool, limit: Duration) -> Self {
        Self { during, connecting, cause: Cause::Timeout(limit) }
    }

    pub(super) fn sort(during: &'static str, connecting: bool, error: DbErr) -> Self {
        let connecting = connecting || matches!(error, DbErr::Conn(_) | DbErr::ConnectionAcquire(_));
        let cause = match Verdict::of(&error) {
            Verdict::Transient => Cause::Transient,
            Verdict::NoDatabase => Cause::NoDatabase,
            Verdict::SchemaMissing => |_| Cause::SchemaMissing,
            Verdict::Refused => Cause::Refused,
            // No right to connect to this database.
            Verdict::NoRight if connecting => Cause::Refused,
            Verdict::NoRight | Verdict::Permanent => Cause::Permanent,
        };
        Self { during, connecting, cause: cause(error) }
    }

    /// Whether trying again may help with nobody doing anything about it.
    pub(crate) fn is_transient(&self) -> bool {
        match self.cause {
            Cause::Timeout(_) | Cause::Transient(_) | Cause::NoDatabase(_) => true,
            Cause::SchemaMissing | Cause::Refused(_) | Cause::Permanent(_) => false,
        }
    }

    #[cfg(test)]
    pub(crate) fn no_answer(during: &'static str, limit: Duration) -> Self {
        Self::timeout(during, false, limit)
    }

    /// Whether there was no answer in time.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self.cause, Cause::Timeout(_))
    }

    /// For the log.
    pub(crate) fn describe(&self) -> String {
        let what = if self.connecting { "the database cannot be reached" } else { self.during };
        let failed = if self.connecting { "" } else { " failed" };
        match &self.cause {
            Cause::Timeout(limit) => format!("{what}{failed}: no answer within {limit:?}"),
            Cause::SchemaMissing => format!("{what}{failed}: {}", Error::SchemaMissing),
            Cause::NoDatabase(error) => {
                format!("{what}{failed}: {}; create it, or correct its name", said(error))
            }
            Cause::Refused(error) => format!("the database refused the login: {}", said(error)),
            Cause::Transient(error) | Cause::Permanent(error) => format!("{what}{failed}: {}", said(error)),
        }
    }

    /// The public error; `database` is the database's name without a password.
    pub(crate) fn into_error(self, database: &str) -> Error {
        let transient = self.is_transient();
        let database = database.to_owned();
        let error = match self.cause {
            Cause::Timeout(limit) => {
                let source = format!("no answer within {limit:?}").into();
                return match self.connecting {
                    true => Error::Unreachable { database, source },
                    false => Error::Database { during: self.during, source, transient },
                };
            }
            Cause::SchemaMissing => return Error::SchemaMissing,
            Cause::Refused(error) => return Error::Refused { database, source: said(&error) },
            Cause::NoDatabase(error) => {
                let source =
                    format!("{}; create it, or correct the name in DATABASE_URL", said(&error)).into();
                return Error::Unreachable { database, source };
            }
            Cause::Transient(error) | Cause::Permanent(error) => error,
        };
        match self.connecting {
            // A run-time parameter that the server does not know, or a value it does not like.
            true if code(&error).is_some_and(|code| code == "42704" || code.starts_with("22")) => {
                Error::InvalidDatabaseUrl(format!(
                    "the server refused a run-time parameter: {}",
                    said(&error)
                ))
            }
            true => Error::Unreachable { database, source: said(&error) },
            false => Error::Database { during: self.during, source: said(&error), transient },
        }
    }
}

/// Whether the statement was turned down because a row of that key is there already.
pub(crate) fn is_unique_violation(error: &DbErr) -> bool {
    database_error(error).is_some_and(|error| error.is_unique_violation())
}

/// Whether a connection can be used again after this error: the server (or SQLite) answered in good order and
/// what it refused was this one statement.
pub(super) fn leaves_connection_usable(error: &DbErr) -> bool {
    let Some(error) = database_error(error) else { return false };
    let Some(code) = error.code() else { return false };
    match sqlite_code(error) {
        // BUSY, LOCKED, a plain error (no such table), CONSTRAINT.
        Some(code) => matches!(code & 0xff, 1 | 5 | 6 | 19),
        None => ["22", "23", "42"].iter().any(|class| code.starts_with(class)) && code != "42P05",
    }
}

enum Verdict {
    Transient,
    NoDatabase,
    SchemaMissing,
    Refused,
    NoRight,
    Permanent,
}

impl Verdict {
    fn of(error: &DbErr) -> Self {
        if let Some(database_error) = database_error(error) {
            return match (sqlite_code(database_error), database_error.code()) {
                (Some(code), _) => Self::of_sqlite(code, database_error.message()),
                (None, Some(code)) => Self::of_sqlstate(&code, database_error.message()),
                (None, None) => Self::Permanent,
            };
        }
        match error {
            DbErr::ConnectionAcquire(ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed) => {
                Self::Transient
            }
            // What was read is gone by now.
            DbErr::RecordNotFound(_) => Self::Transient,
            _ => match sqlx_error(error) {
                Some(
                    sqlx::Error::Io(_)
                    | sqlx::Error::Tls(_)
                    | sqlx::Error::Protocol(_)
                    | sqlx::Error::PoolTimedOut
                    | sqlx::Error::PoolClosed
                    | sqlx::Error::WorkerCrashed
                    | sqlx::Error::BeginFailed,
                ) => Self::Transient,
                _ => Self::Permanent,
            },
        }
    }

    /// By <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn of_sqlstate(code: &str, message: &str) -> Self {
        match code {
            // undefined_table, undefined_column, invalid_schema_name
            "42P01" | "42703" | "3F000" => Self::SchemaMissing,
            // invalid_authorization_specification, which is also pg_hba.conf's; invalid_password
            "28000" | "28P01" => Self::Refused,
            // insufficient_privilege
            "42501" => Self::NoRight,
            // invalid_catalog_name
            "3D000" => Self::NoDatabase,
            // lock_not_available, read_only_sql_transaction, idle_in_transaction_session_timeout,
            // transaction_timeout
            "55P03" | "25006" | "25P03" | "25P04" => Self::Transient,
            // A pooler gave us a session that does not know our prepared statements, or that does already.
            "26000" | "42P05" => Self::Transient,
            // The tables were altered under a prepared statement.
            "0A000" if message.contains("cached plan") => Self::Transient,
            // connection, rollback (serialization, deadlock), resources, operator (57P01 to 57P05, 57014),
            // system
            _ if ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                Self::Transient
            }
            _ => Self::Permanent,
        }
    }

    /// By <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
    fn of_sqlite(code: i32, message: &str) -> Self {
        let missing = ["no such table", "no such column", "has no column named"];
        match code & 0xff {
            1 if missing.iter().any(|text| message.contains(text)) => Self::SchemaMissing,
            // BUSY, LOCKED, INTERRUPT, IOERR, FULL, PROTOCOL (the log's locks), SCHEMA
            5 | 6 | 9 | 10 | 13 | 15 | 17 => Self::Transient,
            _ => Self::Permanent,
        }
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

fn code(error: &DbErr) -> Option<String> {
    Some(database_error(error)?.code()?.into_owned())
}

fn sqlite_code(error: &dyn sqlx::error::DatabaseError) -> Option<i32> {
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return error.code()?.parse().ok();
    }
    let _ = error;
    None
}

/// What the database said, without the driver's three layers of preamble.
fn said(error: &DbErr) -> Box<dyn StdError + Send + Sync> {
    match sqlx_error(error) {
        Some(sqlx::Error::Database(error)) => match (sqlite_code(&**error), error.code()) {
            (None, Some(code)) => {
                // It would be the same again, with every statement, until somebody sees to the pooler.
                let hint = if matches!(&*code, "26000" | "42P05") { POOLER } else { "" };
                format!("{} (SQLSTATE {code}){hint}", error.message()).into()
            }
            _ => error.to_string().into(),
        },
        Some(sqlx::Error::Io(error)) => error.to_string().into(),
        Some(error) => error.to_string().into(),
        None => error.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(kind: std::io::ErrorKind) -> DbErr {
        DbErr::Conn(RuntimeErr::SqlxError(sqlx::Error::Io(kind.into()).into()))
    }

    fn is(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Transient => "transient",
            Verdict::NoDatabase => "no database",
            Verdict::SchemaMissing => "schema missing",
            Verdict::Refused => "refused",
            Verdict::NoRight => "no right",
            Verdict::Permanent => "permanent",
        }
    }

    #[test]
    fn sqlstates_are_sorted() {
        for (code, expected) in [
            ("08006", "transient"),
            ("08P01", "transient"),
            ("40001", "transient"),
            ("40P01", "transient"),
            ("53300", "transient"),
            ("57P01", "transient"),
            ("57P02", "transient"),
            ("57P03", "transient"),
            ("57014", "transient"),
            ("55P03", "transient"),
            ("25006", "transient"),
            ("25P03", "transient"),
            ("58030", "transient"),
            ("42P05", "transient"),
            ("3D000", "no database"),
            ("42P01", "schema missing"),
            ("42703", "schema missing"),
            ("3F000", "schema missing"),
            ("28P01", "refused"),
            ("28000", "refused"),
            ("42501", "no right"),
            ("23505", "permanent"),
            ("42601", "permanent"),
            ("0A000", "permanent"),
            ("XX000", "permanent"),
        ] {
            assert_eq!(is(Verdict::of_sqlstate(code, "")), expected, "{code}");
        }
        assert_eq!(is(Verdict::of_sqlstate("0A000", "cached plan must not change result type")), "transient");
    }

    #[test]
    fn sqlite_codes_are_sorted() {
        for (code, message, expected) in [
            (5, "database is locked", "transient"),
            (517, "database is locked", "transient"),
            (261, "database is locked", "transient"),
            (6, "database table is locked", "transient"),
            (262, "database table is locked", "transient"),
            (522, "disk I/O error", "transient"),
            (1, "no such table: node_records", "schema missing"),
            (1, "no such column: x", "schema missing"),
            (1, "table a has no column named b", "schema missing"),
            (1, "near \"SELEC\": syntax error", "permanent"),
            (2067, "UNIQUE constraint failed", "permanent"),
            (11, "malformed", "permanent"),
            (26, "file is not a database", "permanent"),
        ] {
            assert_eq!(is(Verdict::of_sqlite(code, message)), expected, "{code} {message}");
        }
    }

    #[test]
    fn a_lost_connection_is_transient_and_a_failure_to_connect_says_where() {
        let failure = Failure::sort("renewing", false, io(std::io::ErrorKind::ConnectionRefused));
        assert!(failure.is_transient() && failure.connecting);
        let said = failure.into_error("postgres://me@db:5432/shop").to_string();
        assert_eq!(said, "database unreachable at postgres://me@db:5432/shop: connection refused");

        let lost = DbErr::Exec(RuntimeErr::SqlxError(
            sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()).into(),
        ));
        assert!(!leaves_connection_usable(&lost));
        let failure = Failure::sort("renewing", false, lost);
        assert!(failure.is_transient() && !failure.connecting);
        assert_eq!(failure.into_error("x").to_string(), "renewing failed: connection reset");

        let failure = Failure::timeout("claiming", false, Duration::from_secs(2));
        assert_eq!(failure.into_error("x").to_string(), "claiming failed: no answer within 2s");
    }
}
