//! One piece of the schema, as SQL for each kind of database.

use sea_orm_migration::{SchemaManager, sea_orm::ConnectionTrait, sea_orm::DbBackend, sea_orm::DbErr};

/// The same change as SQL text for each kind of database. The text is written by hand and not built: the schema depends
/// on collations, storage settings, partial indexes and triggers, and [`sql`](crate::sql) prints the same text that a
/// migration runs.
pub(crate) struct Dialect {
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

impl Dialect {
    /// The text for one kind of database.
    ///
    /// # Errors
    /// The database is neither PostgreSQL nor SQLite.
    pub(crate) fn text(&self, backend: DbBackend) -> Result<&'static str, DbErr> {
        match backend {
            DbBackend::Postgres => Ok(self.postgres),
            DbBackend::Sqlite => Ok(self.sqlite),
            other => Err(DbErr::BackendNotSupported { db: other.as_str(), ctx: "leader-election" }),
        }
    }

    /// Runs the text, one statement after the other.
    pub(crate) async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let text = self.text(manager.get_database_backend())?;
        manager.get_connection().execute_unprepared(text).await.map(|_| ())
    }
}
