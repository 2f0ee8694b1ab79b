use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};

use super::*;
use crate::store::error::Kind;
use crate::{DatabaseUrl, Error, ErrorKind};

const LONG: Duration = Duration::from_secs(10);

async fn ask<T: sea_orm::TryGetable>(connection: &impl ConnectionTrait, sql: &str) -> Result<T, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await?.expect("a row").try_get_by_index(0)
}

/// An error and its sources, as a program prints them.
fn chain(error: &Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod sessions;
#[cfg(feature = "sqlite")]
mod sqlite;
