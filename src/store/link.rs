//! A plain connection of the driver, for SeaORM's statements.
//!
//! SeaORM itself takes only pools. A pool pings a connection whenever it is returned, which is a round trip after
//! every command, and it decides by itself when to reconnect.

use sea_orm::DbErr;
use sea_orm::ExecResult;
use sea_orm::QueryResult;
use sea_orm::RuntimeErr;
use sea_orm::Statement;
use sea_orm::prelude::async_trait::async_trait;
use sea_orm::sea_query::Values;
use sea_orm::sqlx;
use sea_query_sqlx::SqlxValues;
use sqlx::AssertSqlSafe;
use sqlx::Connection as _;
use sqlx::Database;
use sqlx::Executor;
use sqlx::IntoArguments;
use tokio::sync::Mutex;

use super::session::Link;

/// A connection with a single user.
pub(super) struct Plain<DB: Database> {
    connection: Mutex<DB::Connection>,
}

impl<DB: Database> Plain<DB> {
    pub(super) fn new(connection: DB::Connection) -> Self {
        Self { connection: Mutex::new(connection) }
    }
}

#[async_trait]
impl<DB> Link for Plain<DB>
where
    DB: Database,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    SqlxValues: IntoArguments<DB>,
    ExecResult: From<DB::QueryResult>,
    QueryResult: From<DB::Row>,
{
    async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let mut connection = self.connection.lock().await;
        let (sql, values) = parts(statement);
        let done = sqlx::query_with(AssertSqlSafe(sql), values).execute(&mut *connection).await;
        done.map(ExecResult::from).map_err(exec_failed)
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let mut connection = self.connection.lock().await;
        let done = connection.execute(AssertSqlSafe(sql.to_owned())).await;
        done.map(ExecResult::from).map_err(exec_failed)
    }

    async fn query_one(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let mut connection = self.connection.lock().await;
        let (sql, values) = parts(statement);
        let row = sqlx::query_with(AssertSqlSafe(sql), values).fetch_optional(&mut *connection).await;
        row.map(|row| row.map(QueryResult::from)).map_err(query_failed)
    }

    async fn query_all(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let mut connection = self.connection.lock().await;
        let (sql, values) = parts(statement);
        let rows = sqlx::query_with(AssertSqlSafe(sql), values).fetch_all(&mut *connection).await;
        rows.map(|rows| rows.into_iter().map(QueryResult::from).collect()).map_err(query_failed)
    }

    async fn close(self: Box<Self>) {
        // The result of closing does not matter.
        drop(self.connection.into_inner().close().await);
    }
}

fn exec_failed(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

fn query_failed(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn parts(statement: Statement) -> (String, SqlxValues) {
    (statement.sql, SqlxValues(statement.values.unwrap_or(Values(Vec::new()))))
}
