//! A database for one test on a shared server.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::postgres::server::Postgres;

/// An empty database. It exists until its server ends.
#[derive(Debug)]
pub struct Database<'s> {
    server: &'s Postgres,
    name: String,
}

impl Postgres {
    /// Creates a database with a unique name that begins with `name`.
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

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    /// Its libpq keyword/value string.
    #[must_use]
    pub fn keyword_dsn(&self) -> String {
        self.server.keyword_dsn_of(&self.name)
    }

    /// Runs SQL with psql, as the superuser over the Unix socket. Returns one line per row, with columns separated by
    /// `|`, without a newline at the end.
    ///
    /// # Panics
    /// The SQL fails.
    pub fn psql(&self, sql: &str) -> String {
        self.server.psql_in(&self.name, sql)
    }

    /// As [`psql`](Self::psql), for SQL that may fail.
    ///
    /// # Errors
    /// psql's stderr.
    pub fn try_psql(&self, sql: &str) -> Result<String, String> {
        self.server.try_psql_in(&self.name, sql)
    }
}
