//! The meaning of the databases' error codes: one table for each.

use sea_orm::sqlx;
use sqlx::error::DatabaseError;

use super::kind::Kind;

/// What can be done about an error that the database reported.
pub(super) fn kind(error: &dyn DatabaseError) -> Kind {
    match (sqlite_code(error), error.code()) {
        (Some(code), _) => of_sqlite(code, error.message()),
        (None, Some(code)) => of_sqlstate(&code, error.message()),
        (None, None) => Kind::Permanent,
    }
}

/// Whether the server refused a run-time parameter: `undefined_object`, or a value it does not accept.
pub(super) fn is_parameter(error: &dyn DatabaseError) -> bool {
    sqlite_code(error).is_none() && error.code().is_some_and(|code| code == "42704" || code.starts_with("22"))
}

/// The database's message, with its SQLSTATE.
pub(super) fn message(error: &dyn DatabaseError) -> String {
    match (sqlite_code(error), error.code()) {
        (None, Some(code)) => format!("{} (SQLSTATE {code})", error.message()),
        _ => error.to_string(),
    }
}

/// Whether the database rejected only this statement.
pub(super) fn leaves_connection_usable(error: &dyn DatabaseError) -> bool {
    match (sqlite_code(error), error.code()) {
        (Some(code), _) => sqlite_leaves_usable(code),
        (None, Some(code)) => sqlstate_leaves_usable(&code),
        (None, None) => false,
    }
}

/// By <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn of_sqlstate(code: &str, message: &str) -> Kind {
    match code {
        // undefined_table, undefined_column, invalid_schema_name
        "42P01" | "42703" | "3F000" => Kind::SchemaMissing,
        // invalid_authorization_specification, which is also pg_hba.conf's; invalid_password
        "28000" | "28P01" => Kind::AccessDenied,
        // insufficient_privilege
        "42501" => Kind::MissingPrivilege,
        // invalid_catalog_name
        "3D000" => Kind::NoDatabase,
        // read_only_sql_transaction
        "25006" => Kind::ReadOnly,
        // invalid_sql_statement_name, duplicate_prepared_statement
        "26000" | "42P05" => Kind::PoolerWithoutPreparedStatements,
        // lock_not_available, idle_in_transaction_session_timeout, transaction_timeout
        "55P03" | "25P03" | "25P04" => Kind::Transient,
        // The tables were altered under a prepared statement.
        "0A000" if message.contains("cached plan") => Kind::Transient,
        // connection, rollback (serialization, deadlock), resources, operator (57P01 to 57P05, 57014), system
        _ if ["08", "40", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Kind::Transient,
        _ => Kind::Permanent,
    }
}

/// By <https://www.sqlite.org/rescode.html>; the low byte is the primary code.
fn of_sqlite(code: i32, message: &str) -> Kind {
    let missing = ["no such table", "no such column", "has no column named"];
    match code & 0xff {
        1 if missing.iter().any(|text| message.contains(text)) => Kind::SchemaMissing,
        // READONLY
        8 => Kind::ReadOnly,
        // BUSY, LOCKED, INTERRUPT, IOERR, FULL, PROTOCOL (the log's locks), SCHEMA
        5 | 6 | 9 | 10 | 13 | 15 | 17 => Kind::Transient,
        _ => Kind::Permanent,
    }
}

/// Data, integrity, and syntax or access: faults of the statement itself. A rollback (class 40) is not one: after a
/// serialization failure or a deadlock the connection is dropped. Nor is a prepared statement that already exists.
fn sqlstate_leaves_usable(code: &str) -> bool {
    ["22", "23", "42"].iter().any(|class| code.starts_with(class)) && code != "42P05"
}

/// BUSY, LOCKED, a plain error (no such table), CONSTRAINT.
fn sqlite_leaves_usable(code: i32) -> bool {
    matches!(code & 0xff, 1 | 5 | 6 | 19)
}

/// The extended result code, where it was SQLite that reported the error.
#[cfg(feature = "sqlite")]
fn sqlite_code(error: &dyn DatabaseError) -> Option<i32> {
    error.try_downcast_ref::<sqlx::sqlite::SqliteError>()?;
    error.code()?.parse().ok()
}

#[cfg(not(feature = "sqlite"))]
fn sqlite_code(_: &dyn DatabaseError) -> Option<i32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_are_classified() {
        for (code, expected) in [
            ("08006", Kind::Transient),
            ("08P01", Kind::Transient),
            ("40001", Kind::Transient),
            ("40P01", Kind::Transient),
            ("53300", Kind::Transient),
            ("57P01", Kind::Transient),
            ("57P02", Kind::Transient),
            ("57P03", Kind::Transient),
            ("57014", Kind::Transient),
            ("55P03", Kind::Transient),
            ("25P03", Kind::Transient),
            ("25P04", Kind::Transient),
            ("58030", Kind::Transient),
            ("25006", Kind::ReadOnly),
            ("26000", Kind::PoolerWithoutPreparedStatements),
            ("42P05", Kind::PoolerWithoutPreparedStatements),
            ("3D000", Kind::NoDatabase),
            ("42P01", Kind::SchemaMissing),
            ("42703", Kind::SchemaMissing),
            ("3F000", Kind::SchemaMissing),
            ("28P01", Kind::AccessDenied),
            ("28000", Kind::AccessDenied),
            ("42501", Kind::MissingPrivilege),
            ("23505", Kind::Permanent),
            ("42601", Kind::Permanent),
            ("0A000", Kind::Permanent),
            ("XX000", Kind::Permanent),
        ] {
            assert_eq!(of_sqlstate(code, ""), expected, "{code}");
        }
        assert_eq!(of_sqlstate("0A000", "cached plan must not change result type"), Kind::Transient);
    }

    #[test]
    fn sqlite_codes_are_classified() {
        for (code, message, expected) in [
            (5, "database is locked", Kind::Transient),
            (517, "database is locked", Kind::Transient),
            (261, "database is locked", Kind::Transient),
            (6, "database table is locked", Kind::Transient),
            (262, "database table is locked", Kind::Transient),
            (9, "interrupted", Kind::Transient),
            (522, "disk I/O error", Kind::Transient),
            (13, "database or disk is full", Kind::Transient),
            (15, "locking protocol", Kind::Transient),
            (17, "database schema has changed", Kind::Transient),
            (8, "attempt to write a readonly database", Kind::ReadOnly),
            (1, "no such table: node_records", Kind::SchemaMissing),
            (1, "no such column: x", Kind::SchemaMissing),
            (1, "table a has no column named b", Kind::SchemaMissing),
            (1, "near \"SELEC\": syntax error", Kind::Permanent),
            (2067, "UNIQUE constraint failed", Kind::Permanent),
            (11, "malformed", Kind::Permanent),
            (26, "file is not a database", Kind::Permanent),
        ] {
            assert_eq!(of_sqlite(code, message), expected, "{code} {message}");
        }
    }

    #[test]
    fn a_connection_is_used_again_only_after_a_fault_of_the_one_statement() {
        for (code, usable) in [
            ("22003", true),
            ("23505", true),
            ("42P01", true),
            ("40001", false),
            ("40P01", false),
            ("42P05", false),
            ("55P03", false),
            ("57014", false),
            ("08006", false),
            ("25006", false),
        ] {
            assert_eq!(sqlstate_leaves_usable(code), usable, "{code}");
        }
        for (code, usable) in
            [(1, true), (5, true), (517, true), (6, true), (19, true), (2067, true), (9, false), (10, false)]
        {
            assert_eq!(sqlite_leaves_usable(code), usable, "{code}");
        }
    }
}
