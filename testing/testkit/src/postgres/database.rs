//! A database of a test's own on a shared server.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::postgres::server::Postgres;

/// A fresh, empty database. It stays until its server ends.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Postgres,
    name: String,
}

impl Postgres {
    /// Makes a database whose name begins with `name` and is not taken.
    ///
    /// # Panics
    /// The server does not answer.
    pub fn database(&self, name: &str) -> Database<'_> {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("{name}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.create_database(&name);
        Database { server: self, name }
    }
}

impl<'s> Database<'s> {
    /// Its name on the server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its server.
    #[must_use]
    pub fn server(&self) -> &'s Postgres {
        self.server
    }

    /// As a URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    /// As a libpq keyword/value string.
    #[must_use]
    pub fn keyword_dsn(&self) -> String {
        self.server.keyword_dsn_of(&self.name)
    }

    /// Runs SQL with psql, as the superuser over the Unix socket, and returns what came out: a line per
    /// row, columns separated by `|`, without a newline at the end.
    ///
    /// # Panics
    /// The SQL fails.
    pub fn psql(&self, sql: &str) -> String {
        self.server.psql_in(&self.name, sql)
    }

    /// As [`psql`](Self::psql), where a failure is expected.
    ///
    /// # Errors
    /// What psql wrote to stderr.
    pub fn try_psql(&self, sql: &str) -> Result<String, String> {
        self.server.try_psql_in(&self.name, sql)
    }
}
