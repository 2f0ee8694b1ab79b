//! The few expressions that PostgreSQL and SQLite spell differently.
//!
//! Every time stamp is the database's, read inside the statement: `clock_timestamp()` on PostgreSQL, never `now()`,
//! which is the start of the transaction. It is found through the search path, like any function.

use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::sea_query::{Expr, SimpleExpr};

/// The database's clock.
pub(super) fn clock(backend: DbBackend) -> SimpleExpr {
    match backend {
        DbBackend::Sqlite => Expr::cust("strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')"),
        _ => Expr::cust("clock_timestamp()"),
    }
}

/// The database's clock, that long ago.
pub(super) fn clock_before(backend: DbBackend, span: Duration) -> SimpleExpr {
    let seconds = span.as_secs_f64();
    match backend {
        DbBackend::Sqlite => Expr::cust_with_values(
            "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', ?)",
            [format!("-{seconds:.3} seconds")],
        ),
        _ => Expr::cust_with_values("clock_timestamp() - make_interval(secs => $1)", [seconds]),
    }
}

/// How many seconds ago `last_heartbeat` was, as a double; below zero where the clock went back.
pub(super) fn heartbeat_age(backend: DbBackend) -> SimpleExpr {
    match backend {
        DbBackend::Sqlite => Expr::cust("(julianday('now') - julianday(last_heartbeat)) * 86400.0"),
        _ => Expr::cust("CAST(EXTRACT(EPOCH FROM clock_timestamp() - last_heartbeat) AS double precision)"),
    }
}

/// The status `leader` as a literal, so that the partial index on it can be used by a prepared statement.
pub(super) fn leader_literal() -> SimpleExpr {
    Expr::cust("'leader'")
}
