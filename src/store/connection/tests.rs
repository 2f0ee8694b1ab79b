#[cfg(feature = "postgres")]
use sea_orm::DatabaseConnection;
use sea_orm::{ConnectionTrait, Statement};

use super::*;
#[cfg(feature = "postgres")]
use crate::ErrorKind;
use crate::store::error::Kind;
use crate::{DatabaseUrl, Error};

const LONG: Duration = Duration::from_secs(10);

async fn ask<T: sea_orm::TryGetable>(connection: &impl ConnectionTrait, sql: &str) -> Result<T, DbErr> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await?.expect("a row").try_get_by_index(0)
}

#[cfg(feature = "postgres")]
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
