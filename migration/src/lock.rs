//! One migration at a time: nodes that start together find each other here.

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

/// How long to wait for another process that is migrating.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The key of PostgreSQL's advisory lock: "leadelec" in ASCII.
const ADVISORY_LOCK: i64 = i64::from_be_bytes(*b"leadelec");

/// How long a statement of a step waits for a table's lock. Every heartbeat queues behind a statement that waits to
/// change its table (for a backup, say), so the wait must be much shorter than a lease. It is longer than PostgreSQL's
/// `deadlock_timeout` (1 s), after which an autovacuum in the way gives up.
const TABLE_LOCK_LIMIT: Duration = Duration::from_secs(2);

/// How long the transaction may sit idle. The statements follow each other at once; a process that stops between two
/// of them must not keep every other node from starting.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// Begins the transaction that holds all steps, alone: its end, whatever the reason, is the lock's end.
///
/// # Errors
/// Another process kept the lock for 30 seconds, or the database failed.
pub(crate) async fn begin_alone(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    match db.get_database_backend() {
        DbBackend::Postgres => begin_on_postgres(db).await,
        _ => begin_on_sqlite(db).await,
    }
}

/// Whether a statement gave up after [`TABLE_LOCK_LIMIT`].
pub(crate) fn is_table_lock_timeout(error: &DbErr) -> bool {
    code(error).as_deref() == Some("55P03")
}

/// Whether the transaction is this package's own, and not part of one that the caller has begun.
pub(crate) fn is_own(db: &SchemaManagerConnection<'_>) -> bool {
    matches!(db, SchemaManagerConnection::Connection(_))
}

async fn begin_on_postgres(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    let lock = format!("SELECT pg_advisory_xact_lock({ADVISORY_LOCK})");
    if !is_own(db) {
        // The isolation and the limits of the caller's transaction are the caller's choice.
        let savepoint = db.begin().await?;
        savepoint.execute_unprepared(&lock).await?;
        return Ok(savepoint);
    }
    // What another process applied while this one waited has to be seen, whatever the session's default isolation.
    let transaction = db.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
    transaction
        .execute_unprepared(&format!(
            "SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL lock_timeout = {}; {lock}; \
             SET LOCAL lock_timeout = {}",
            IDLE_LIMIT.as_millis(),
            PATIENCE.as_millis(),
            TABLE_LOCK_LIMIT.as_millis()
        ))
        .await?;
    Ok(transaction)
}

/// Tries for longer than the connection's own `busy_timeout`, which is the caller's setting: it need not
/// be set at all, and SQLite does not wait where waiting could be a deadlock.
async fn begin_on_sqlite(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    let start = Instant::now();
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..Default::default()
    };
    loop {
        match db.begin_with_options(immediate).await {
            Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            result => return result,
        }
    }
}

/// SQLITE_BUSY or SQLITE_LOCKED. The lower byte is the code that an extended one refines.
fn is_busy(error: &DbErr) -> bool {
    code(error).and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// The code that the database gave the error: an SQLSTATE, or SQLite's number.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
fn code(error: &DbErr) -> Option<String> {
    use sea_orm_migration::sea_orm::RuntimeErr;

    let (DbErr::Conn(error) | DbErr::Exec(error) | DbErr::Query(error)) = error else { return None };
    let RuntimeErr::SqlxError(error) = error else { return None };
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Without a driver there is no database to give one.
#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
fn code(_: &DbErr) -> Option<String> {
    None
}
