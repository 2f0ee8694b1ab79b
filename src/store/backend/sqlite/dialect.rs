//! SQLite's SQL.

use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::Statement;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::SelectStatement;

use crate::store::dialect::Dialect;

#[derive(Debug)]
pub(super) struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn kind(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    fn clock(&self) -> Expr {
        Expr::cust("strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')")
    }

    fn clock_before(&self, span: Duration) -> Expr {
        let before = format!("-{:.3} seconds", span.as_secs_f64());
        Expr::cust_with_values("strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', ?)", [before])
    }

    fn heartbeat_age(&self) -> Expr {
        Expr::cust("(julianday('now') - julianday(last_heartbeat)) * 86400.0")
    }

    /// The single writer has locked the whole file.
    fn skip_locked(&self, _: &mut SelectStatement) {}

    /// The file's write lock is the election's lock. No server could end the transaction of a frozen holder.
    fn begin_locked(&self, _: &str, _: Duration) -> String {
        "BEGIN IMMEDIATE".to_owned()
    }

    fn notify(&self, _: &str) -> Option<Statement> {
        None
    }
}
