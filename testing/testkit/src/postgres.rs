//! A private PostgreSQL server.

mod binaries;
mod database;
mod server;
mod template;

use std::{path::Path, sync::OnceLock};

use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use rustix::process::Signal;

use crate::postgres::{binaries::Binaries, server::Server};
pub use database::Database;

/// The password of the one user, `postgres`. It has a space, a quote, a slash and an at sign, and stands
/// in no other text, so that a test finds every place where quoting is wrong or where it leaks.
pub(crate) const PASSWORD: &str = "s3cret p@ss/w'rd";

/// A PostgreSQL server of this test's own, on a free port of 127.0.0.1. Dropped, or when the test's
/// process dies, it is killed and its files are deleted.
///
/// Every login needs the password (SCRAM). `fsync` is off. The default collation is a linguistic one where
/// the server has ICU: an order that happens to be right in "C" is found out. `pg_stat_statements` is
/// preloaded where it is installed; a test makes the extension itself.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
}

/// How a server is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Ends all sessions and shuts down cleanly.
    Fast,
    /// As in a crash: the next start recovers.
    Immediate,
}

impl Postgres {
    /// Starts a server.
    ///
    /// # Panics
    /// No server binaries (`testing/testkit/install-postgres.sh` installs them), or the server does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// Starts a server with more settings (`ssl=on`), and with more files in its data directory, by name.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with(settings: &[&str], files: &[(&str, &[u8])]) -> Self {
        Self { server: Server::start(Binaries::find(), settings, files) }
    }

    /// The one server that the tests of this binary share: make a [`database`](Self::database) of your own
    /// on it, and leave the server itself alone. It ends with the process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes a database whose name begins with `name` and is not taken.
    ///
    /// # Panics
    /// The server does not answer.
    pub fn database(&self, name: &str) -> Database<'_> {
        Database::create(self, name)
    }

    /// Makes a database of that very name, and returns its URL.
    ///
    /// # Panics
    /// It exists already, or the server does not answer.
    pub fn create_database(&self, name: &str) -> String {
        self.psql(&format!("CREATE DATABASE \"{name}\""));
        self.url_of(name)
    }

    /// The URL of the database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of a database.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/{database}",
            utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC),
            self.port()
        )
    }

    /// The database `postgres` as a libpq keyword/value string.
    #[must_use]
    pub fn keyword_dsn(&self) -> String {
        self.keyword_dsn_of("postgres")
    }

    /// A database as a libpq keyword/value string.
    #[must_use]
    pub fn keyword_dsn_of(&self, database: &str) -> String {
        let password = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        let port = self.port();
        format!(
            "host=127.0.0.1 user=postgres password='{password}' dbname={database} port={port} sslmode=disable"
        )
    }

    /// The user's password, to look for where it must not be.
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The TCP port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The directory of the Unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        self.server.socket_dir()
    }

    /// The postmaster's process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Where the server's programs are (`psql`, `pg_dump`).
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        self.server.binaries().dir()
    }

    /// Everything the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// Runs SQL in the database `postgres` with psql. See [`Database::psql`].
    ///
    /// # Panics
    /// The SQL fails.
    pub fn psql(&self, sql: &str) -> String {
        self.psql_in("postgres", sql)
    }

    /// Runs SQL in a database with psql. See [`Database::psql`].
    ///
    /// # Panics
    /// The SQL fails.
    pub fn psql_in(&self, database: &str, sql: &str) -> String {
        self.try_psql_in(database, sql).unwrap_or_else(|error| panic!("psql: {error}\nin: {sql}"))
    }

    /// Runs SQL in a database with psql.
    ///
    /// # Errors
    /// What psql wrote to stderr.
    pub fn try_psql_in(&self, database: &str, sql: &str) -> Result<String, String> {
        self.server.psql(database, sql)
    }

    /// The schema of a database, as `pg_dump --schema-only` has it.
    ///
    /// # Panics
    /// `pg_dump` fails.
    pub fn dump_schema(&self, database: &str) -> String {
        self.server.dump_schema(database)
    }

    /// Ends the server and waits until it has ended. A frozen one is thawed first.
    ///
    /// # Panics
    /// It does not end within 30 seconds.
    pub fn stop(&mut self, mode: StopMode) {
        self.server.stop(match mode {
            StopMode::Fast => Signal::INT,
            StopMode::Immediate => Signal::QUIT,
        });
    }

    /// Starts the stopped server on its data and its port.
    ///
    /// # Panics
    /// It runs already, or does not start.
    pub fn start_again(&mut self) {
        self.server.start_again();
    }

    /// Stops the server (fast) and starts it again.
    ///
    /// # Panics
    /// As [`stop`](Self::stop) and [`start_again`](Self::start_again).
    pub fn restart(&mut self) {
        self.stop(StopMode::Fast);
        self.start_again();
    }

    /// Stops every process of the server where it stands (SIGSTOP): connections stay, nothing answers.
    pub fn freeze(&self) {
        self.server.freeze();
    }

    /// Lets the frozen server go on.
    pub fn thaw(&self) {
        self.server.thaw();
    }
}
