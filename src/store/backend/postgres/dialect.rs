//! PostgreSQL's SQL.

use std::time::Duration;

use sea_orm::DbBackend;
use sea_orm::Statement;
use sea_orm::sea_query::Expr;
use sea_orm::sea_query::LockBehavior;
use sea_orm::sea_query::LockType;
use sea_orm::sea_query::SelectStatement;

use crate::store::dialect::Dialect;

/// The channel on which changes of leadership are notified; the payload is the election's name.
pub(crate) const CHANNEL: &str = "leader_election";

#[derive(Debug)]
pub(in crate::store) struct PostgresDialect;

impl Dialect for PostgresDialect {
    fn kind(&self) -> DbBackend {
        DbBackend::Postgres
    }

    /// Not `now()`, which is the start of the transaction. Like any function, it is found through the search path.
    fn clock(&self) -> Expr {
        Expr::cust("clock_timestamp()")
    }

    fn clock_before(&self, span: Duration) -> Expr {
        Expr::cust_with_values("clock_timestamp() - make_interval(secs => $1)", [span.as_secs_f64()])
    }

    fn heartbeat_age(&self) -> Expr {
        Expr::cust("CAST(EXTRACT(EPOCH FROM clock_timestamp() - last_heartbeat) AS double precision)")
    }

    fn skip_locked(&self, query: &mut SelectStatement) {
        query.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }

    /// READ COMMITTED, so that a read after waiting for the lock shows what was committed in the meantime.
    /// Transactions that open or end terms take the lock exclusively, fenced transactions take it shared. An advisory
    /// lock queues fairly: a stream of shared holders does not keep an exclusive one waiting for ever, as it would
    /// with row locks.
    ///
    /// One message, which is not prepared: a claim is rare, and its round trips count.
    fn begin_locked(&self, election: &str, limit: Duration) -> String {
        // Zero would mean no limit.
        let limit = (limit.as_millis() / 2).max(1);
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; \
             SET LOCAL lock_timeout = {limit}; SET LOCAL statement_timeout = {limit}; \
             SET LOCAL idle_in_transaction_session_timeout = {limit}; \
             SELECT pg_advisory_xact_lock(hashtextextended({}, 0))",
            literal(&lock_name(election))
        )
    }

    fn notify(&self, election: &str) -> Option<Statement> {
        let values = [CHANNEL.into(), election.into()];
        Some(Statement::from_sql_and_values(self.kind(), "SELECT pg_notify($1, $2)", values))
    }
}

/// The text as a literal, valid under any of the session's settings for quoting.
fn literal(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("convert_from(decode('{hex}', 'hex'), 'UTF8')")
}

fn lock_name(election: &str) -> String {
    format!("leader-election:{election}")
}
