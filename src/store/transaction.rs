//! Transactions that open or end a term: bounded on the server, and under the election's lock.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

/// The channel on which changes of leadership are notified; the payload is the election's name.
pub(crate) const CHANNEL: &str = "leader_election";

/// Begins a transaction that gives up by itself, wherever this process may stop: the server ends it when a lock, a
/// statement or the next command takes longer than half of `limit`. Then takes the election's lock, before anything
/// is read.
///
/// READ COMMITTED, so that what is read after waiting for the lock is what was committed meanwhile. On SQLite the
/// lock is BEGIN IMMEDIATE's; there is no server to end a frozen holder's transaction.
pub(super) async fn begin_locked(
    db: &DatabaseConnection,
    election: &str,
    limit: Duration,
) -> Result<DatabaseTransaction, DbErr> {
    let transaction = begin(db).await?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        // Zero would mean no limit.
        let limit = (limit.as_millis() / 2).max(1);
        // Exclusive for those who open or end terms, shared for fenced transactions. An advisory lock queues
        // fairly: no stream of shared holders keeps an exclusive one waiting for ever, as row locks would.
        //
        // All in one message, which is not prepared: a claim is rare, and its round trips count.
        let bound_and_lock = format!(
            "SET LOCAL lock_timeout = {limit}; SET LOCAL statement_timeout = {limit}; \
             SET LOCAL idle_in_transaction_session_timeout = {limit}; \
             SELECT pg_advisory_xact_lock(hashtextextended({}, 0))",
            literal(&lock_name(election))
        );
        transaction.execute_unprepared(&bound_and_lock).await?;
    }
    Ok(transaction)
}

async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let mut options = TransactionOptions::default();
    match db.get_database_backend() {
        DbBackend::Sqlite => options.sqlite_transaction_mode = Some(SqliteTransactionMode::Immediate),
        _ => options.isolation_level = Some(IsolationLevel::ReadCommitted),
    }
    db.begin_with_options(options).await
}

/// Text as a literal that holds whatever the session's settings for quoting are.
fn literal(text: &str) -> String {
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("convert_from(decode('{hex}', 'hex'), 'UTF8')")
}

fn lock_name(election: &str) -> String {
    format!("leader-election:{election}")
}

/// Tells the other nodes, at the commit, to look.
pub(super) async fn notify<C: ConnectionTrait>(db: &C, election: &str) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let notify = "SELECT pg_notify($1, $2)";
        let values = [CHANNEL.into(), election.into()];
        db.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, notify, values)).await?;
    }
    Ok(())
}
