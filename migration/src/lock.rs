//! The lock of the migrations: nodes that start together migrate one at a time.

use std::time::Duration;
use std::time::Instant;

use sea_orm_migration::SchemaManagerConnection;
use sea_orm_migration::sea_orm::ConnectionTrait;
use sea_orm_migration::sea_orm::DatabaseTransaction;
use sea_orm_migration::sea_orm::DbBackend;
use sea_orm_migration::sea_orm::DbErr;
use sea_orm_migration::sea_orm::IsolationLevel;
use sea_orm_migration::sea_orm::SqliteTransactionMode;
use sea_orm_migration::sea_orm::TransactionOptions;
use sea_orm_migration::sea_orm::TransactionTrait;

/// How long to wait for another process that migrates, or for a locked table.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// The key of PostgreSQL's advisory lock: "leadelec" in ASCII.
const ADVISORY_LOCK: i64 = i64::from_be_bytes(*b"leadelec");

/// How long a statement of a migration waits for a table's lock. While a statement waits to change a table (behind a
/// backup, for example), every heartbeat on that table queues behind it, so the wait must be much shorter than a lease.
/// It is longer than PostgreSQL's `deadlock_timeout` (1 s), after which PostgreSQL cancels an autovacuum in the way.
const TABLE_LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the transaction may be idle. Its statements follow each other at once. A process that stops between two of
/// them must not keep every other node from starting.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// Begins the transaction in which all migrations run, and takes the lock. The lock ends with the transaction.
///
/// # Errors
/// Another process held the lock for 30 seconds, or the database failed.
pub(crate) async fn begin_locked(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    match db.get_database_backend() {
        DbBackend::Postgres => begin_on_postgres(db).await,
        _ => begin_on_sqlite(db).await,
    }
}

/// Whether a statement gave up after [`TABLE_LOCK_TIMEOUT`].
pub(crate) fn is_table_lock_timeout(error: &DbErr) -> bool {
    code(error).as_deref() == Some("55P03")
}

/// Whether the transaction is this package's, and not part of one that the caller began.
pub(crate) fn is_own(db: &SchemaManagerConnection<'_>) -> bool {
    matches!(db, SchemaManagerConnection::Connection(_))
}

async fn begin_on_postgres(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    let lock = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
    if !is_own(db) {
        // The caller chooses the isolation level and the timeouts of its own transaction.
        let savepoint = db.begin().await?;
        savepoint.execute_unprepared(&lock).await?;
        return Ok(savepoint);
    }
    // Whatever the session's default isolation: this process must see what another one applied while it waited.
    let transaction = db.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
    transaction
        .execute_unprepared(&format!(
            "SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL lock_timeout = {}; {lock}; \
             SET LOCAL lock_timeout = {}",
            IDLE_TIMEOUT.as_millis(),
            LOCK_TIMEOUT.as_millis(),
            TABLE_LOCK_TIMEOUT.as_millis()
        ))
        .await?;
    Ok(transaction)
}

/// Retries by itself: the connection's `busy_timeout` is the caller's setting and may be 0, and SQLite does not wait
/// where that could be a deadlock.
async fn begin_on_sqlite(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    let start = Instant::now();
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    loop {
        match db.begin_with_options(immediate).await {
            Err(error) if is_busy(&error) && start.elapsed() < LOCK_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}

/// SQLITE_BUSY or SQLITE_LOCKED. The lower byte of an extended code is the primary code.
fn is_busy(error: &DbErr) -> bool {
    code(error).and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// The database's code of the error: an SQLSTATE, or SQLite's number.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
fn code(error: &DbErr) -> Option<String> {
    use sea_orm_migration::sea_orm::RuntimeErr;

    let (DbErr::Conn(error) | DbErr::Exec(error) | DbErr::Query(error)) = error else { return None };
    let RuntimeErr::SqlxError(error) = error else { return None };
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Without a driver no error comes from a database.
#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
fn code(_: &DbErr) -> Option<String> {
    None
}
