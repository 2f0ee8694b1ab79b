//! What databases spell in different ways.

use std::fmt::Debug;
use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::Statement;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::SelectStatement;

/// The SQL of one kind of database. Every time stamp is the database's, read inside the statement.
pub(super) trait Dialect: Debug + Send + Sync {
    /// By what name SeaORM builds statements for it.
    fn kind(&self) -> DbBackend;

    /// The database's clock: the time at which it is read, not that of the transaction's start.
    fn clock(&self) -> Expr;

    /// The database's clock, that long ago.
    fn clock_before(&self, span: Duration) -> Expr;

    /// How many seconds ago `last_heartbeat` was, as a double; below zero where the clock went back.
    fn heartbeat_age(&self) -> Expr;

    /// Locks the rows that a query finds and skips those that somebody has locked, where there are locks on rows.
    fn skip_locked(&self, query: &mut SelectStatement);

    /// Begins a transaction that takes the election's lock first. See [`Session::begin_locked`](super::session::Session).
    fn begin_locked(&self, election: &str, limit: Duration) -> String;

    /// Tells the other nodes to observe the election, where there are notifications.
    fn notify(&self, election: &str) -> Option<Statement>;
}

/// The status `leader` as a literal, so that the partial index on it can be used by a prepared statement.
pub(super) fn leader_literal() -> Expr {
    Expr::cust("'leader'")
}
