//! One migration at a time: nodes that start together find each other here.

use std::time::{Duration, Instant};

use sea_orm_migration::{
    SchemaManagerConnection,
    sea_orm::{
        ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, IsolationLevel, SqliteTransactionMode,
        TransactionOptions, TransactionTrait,
    },
};

/// How long to wait for another process that is migrating.
const PATIENCE: Duration = Duration::from_secs(30);

/// The key of PostgreSQL's advisory lock: "leadelec" in ASCII.
const ADVISORY_LOCK: i64 = i64::from_be_bytes(*b"leadelec");

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

async fn begin_on_postgres(db: &SchemaManagerConnection<'_>) -> Result<DatabaseTransaction, DbErr> {
    let transaction = match db {
        // What was applied while we waited has to be seen, whatever the session's default isolation.
        SchemaManagerConnection::Connection(_) => {
            db.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?
        }
        // Within a transaction of the caller's, its isolation is the caller's too.
        _ => db.begin().await?,
    };
    transaction
        .execute_unprepared(&format!(
            "SET LOCAL lock_timeout = {}; SELECT pg_advisory_xact_lock({ADVISORY_LOCK})",
            PATIENCE.as_millis()
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

fn is_busy(error: &DbErr) -> bool {
    let text = error.to_string();
    text.contains("database is locked") || text.contains("database table is locked")
}
