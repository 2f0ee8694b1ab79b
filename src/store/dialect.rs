//! SQL that differs between databases.

use std::fmt::Debug;
use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::Statement;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::SelectStatement;

/// The SQL of one kind of database. Every time stamp is the database's, read inside the statement.
pub(super) trait Dialect: Debug + Send + Sync {
    /// SeaORM's name for the kind of database.
    fn kind(&self) -> DbBackend;

    /// The database's clock when it is read, not at the transaction's start.
    fn clock(&self) -> Expr;

    /// The database's clock, that long ago.
    fn clock_before(&self, span: Duration) -> Expr;

    /// How many seconds ago `last_heartbeat` was, as a double. Below zero if the clock went back.
    fn heartbeat_age(&self) -> Expr;

    /// Locks the rows that a query finds and skips locked ones, where the database has row locks.
    fn skip_locked(&self, query: &mut SelectStatement);

    /// Begins a transaction that takes the election's lock first. See [`Session::begin_locked`](super::session::Session).
    fn begin_locked(&self, election: &str, limit: Duration) -> String;

    /// Notifies the other nodes to observe the election, where the database has notifications.
    fn notify(&self, election: &str) -> Option<Statement>;
}

/// The status `leader` as a literal, so that the partial index on it can be used by a prepared statement.
pub(super) fn leader_literal() -> Expr {
    Expr::cust("'leader'")
}
