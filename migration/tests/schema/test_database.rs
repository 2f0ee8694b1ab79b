//! An empty database for one test, of either kind.

use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement,
};
use tempfile::TempDir;
use testkit::Postgres;

pub(crate) struct TestDatabase {
    url: String,
    pub(crate) db: DatabaseConnection,
    /// The database's name, on PostgreSQL.
    pub(crate) name: Option<String>,
    _dir: Option<TempDir>,
}

impl TestDatabase {
    pub(crate) async fn postgres() -> Self {
        let database = Postgres::shared().database("schema");
        let (url, name) = (database.url(), database.name().to_owned());
        let db = connect(&url).await;
        Self { url, db, name: Some(name), _dir: None }
    }

    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", dir.path().join("schema.db").display());
        let db = connect(&url).await;
        Self { url, db, name: None, _dir: Some(dir) }
    }

    /// One of each kind.
    pub(crate) async fn both() -> [Self; 2] {
        [Self::postgres().await, Self::sqlite().await]
    }

    /// Another pool on the same database, as another process has.
    pub(crate) async fn another_connection(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<(), DbErr> {
        self.db.execute_unprepared(sql).await.map(|_| ())
    }

    pub(crate) async fn count(&self, from: &str) -> i64 {
        let sql = format!("SELECT count(*) AS n FROM {from}");
        let statement = Statement::from_string(self.db.get_database_backend(), sql);
        self.db.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
    }

    /// Everything in the schema: tables, indexes, types, functions, triggers, settings.
    pub(crate) async fn schema(&self) -> String {
        match self.db.get_database_backend() {
            DbBackend::Postgres => {
                let dump = Postgres::shared().dump_schema(self.name.as_ref().unwrap());
                // Newer versions put a random key into every dump.
                let lines = dump.lines().filter(|line| !line.contains("restrict "));
                lines.collect::<Vec<_>>().join("\n")
            }
            backend => {
                let sql = "SELECT coalesce(sql, name) AS text FROM sqlite_master ORDER BY type, name";
                let rows = self.db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
                let texts = rows.iter().map(|row| row.try_get::<String>("", "text").unwrap());
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }
}

pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(2).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}
