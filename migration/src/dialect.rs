//! One piece of schema, in the words of each database.

use sea_orm_migration::{SchemaManager, sea_orm::ConnectionTrait, sea_orm::DbBackend, sea_orm::DbErr};

/// The same change, written out for each database. Written out rather than built: collations, storage
/// settings, partial indexes and triggers are what this schema is about, and the text that a step runs is
/// the text that [`sql`](crate::sql) prints.
pub(crate) struct Dialect {
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
}

impl Dialect {
    /// The text for one database.
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

    /// Runs the text, statement after statement.
    pub(crate) async fn run(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let text = self.text(manager.get_database_backend())?;
        manager.get_connection().execute_unprepared(text).await.map(|_| ())
    }
}
