//! SQLite's options.

use conninfo::Sqlite;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::sqlite::SqliteJournalMode;
use sea_orm::sqlx::sqlite::SqliteSynchronous;

use crate::store::backend::sqlite::BUSY_TIMEOUT;

/// A resolved SQLite database. Clones share a database in memory.
#[derive(Clone)]
pub(crate) struct Database {
    options: Box<SqliteConnectOptions>,
    pub(crate) in_memory: bool,
}

impl Database {
    /// Resolves a relative path against the present working directory, once. A process that changes its directory
    /// later keeps the same file.
    ///
    /// # Errors
    /// The working directory cannot be found.
    pub(crate) fn of(asked: &Sqlite) -> Result<Self, String> {
        let options = match asked {
            // The driver gives every `:memory:` that it parses a name of its own. Clones of these options share one
            // database; parsing again makes another.
            Sqlite::Memory => "sqlite::memory:"
                .parse::<SqliteConnectOptions>()
                .map_err(|_| "this build does not support a database in memory".to_owned())?,
            Sqlite::File { path, create } => {
                let path = std::path::absolute(path)
                    .map_err(|error| format!("{} has no absolute path: {error}", path.display()))?;
                // FULL: with NORMAL a power failure may lose the last commits, and a lost claim would let its term
                // come back.
                SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(*create)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
            }
        };
        let options = Box::new(options.busy_timeout(BUSY_TIMEOUT).disable_statement_logging());
        Ok(Self { options, in_memory: *asked == Sqlite::Memory })
    }

    /// The options for a new connection.
    ///
    /// # Errors
    /// The path is a directory.
    pub(crate) fn options(&self) -> Result<SqliteConnectOptions, String> {
        let file = self.options.get_filename();
        match file.is_dir() {
            true => Err(format!("{} is a directory: name a file", file.display())),
            false => Ok(self.options.as_ref().clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: impl Into<std::path::PathBuf>) -> Result<SqliteConnectOptions, String> {
        Database::of(&Sqlite::File { path: path.into(), create: true })?.options()
    }

    #[test]
    fn a_relative_path_becomes_absolute() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(file("./a.db").unwrap().get_filename(), here.join("a.db"));
        assert_eq!(file("/tmp/a.db").unwrap().get_filename(), "/tmp/a.db");
    }

    #[test]
    fn a_directory_in_the_files_place_is_refused() {
        let directory = std::env::temp_dir();
        let said = file(&directory).unwrap_err();
        assert!(said.ends_with("is a directory: name a file"), "{said}");
        assert!(file(directory.join("no-such-file.db")).is_ok());
        assert!(Database::of(&Sqlite::Memory).unwrap().options().is_ok());
    }
}
