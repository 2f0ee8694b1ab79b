//! Connection strings: which database, and how to reach it.

#[cfg(feature = "postgres")]
mod process;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use conninfo::ConnInfo;
use conninfo::Environment;
use sea_orm::DatabaseConnection;

use crate::Error;
use crate::backoff::Backoff;
use crate::store::backend;
use crate::store::backend::APPLICATION_NAME;
use crate::store::backend::ConnectSpec;
use crate::store::options;

/// How long [`DatabaseUrl::connect`] tries.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Which database, and how to reach it: a parsed `DATABASE_URL`.
///
/// Neither `Display` nor `Debug` shows the password.
///
/// ```
/// use leader_election::DatabaseUrl;
///
/// # #[cfg(feature = "postgres")] {
/// let url: DatabaseUrl = "postgres://app:s3cret@db.example/shop?connect_timeout=5".parse()?;
/// assert_eq!(url.to_string(), "postgres://app@db.example:5432/shop");
///
/// let same: DatabaseUrl = "host=db.example user=app password=s3cret dbname=shop connect_timeout=5".parse()?;
/// assert_eq!(same.to_string(), url.to_string());
/// # }
/// # Ok::<(), leader_election::Error>(())
/// ```
///
/// # PostgreSQL
/// A `postgres://` URL or a string of `keyword=value` pairs, both by
/// [libpq's rules](https://www.postgresql.org/docs/current/libpq-connect.html): quoting, percent-encoding, IPv6 addresses,
/// socket directories as host. Every keyword of libpq is either supported or refused by name. In the keyword form any
/// other name is sent to the server as a run-time parameter (`search_path=app`), as Go's pgx does, unless it looks
/// like a misspelt keyword; in a URL, as in libpq, run-time parameters go into `options=-c search_path=app`.
/// `TimeZone` and `DateStyle` are checked by the server, but sessions run with UTC and ISO dates.
///
/// [`with_libpq_defaults`](Self::with_libpq_defaults) fills in what is missing as libpq does: from environment
/// variables (`PGHOST`, `PGUSER`, `PGPASSWORD`, ...), by the same rules, from the password file and from the
/// operating system's user name. The database name defaults to the user name. Without a host the socket in
/// `/var/run/postgresql` or `/tmp` is used if there is one, else `localhost`. Certificates, the password file and the
/// socket are read when a connection is made, not when the string is parsed. The driver itself adds `PGOPTIONS`, and
/// without `sslcert` also `PGSSLCERT` and `PGSSLKEY`.
///
/// `sslmode` defaults to `prefer`:
///
/// | `sslmode` | |
/// |---|---|
/// | `disable` | plain text |
/// | `allow` | refused |
/// | `prefer` | TLS if the server has it, else plain text; the certificate is not checked |
/// | `require` | TLS; the certificate is not checked; with `sslrootcert` the same as `verify-ca` |
/// | `verify-ca` | TLS; the certificate has to be from an authority in `sslrootcert`, or a public one |
/// | `verify-full` | also, it has to be for this host |
///
/// Both verifying modes trust, besides the authorities in `sslrootcert`, those in Mozilla's list, which is compiled
/// in (libpq trusts `sslrootcert` alone). So `verify-ca` also accepts any certificate from a public authority, for
/// any name: use `verify-full`. The files in `~/.postgresql` that libpq reads are not read. On a Unix socket there is
/// no TLS in any mode, as in libpq. Without the feature `tls` every mode but `disable` is refused.
///
/// Statements are prepared once for every connection; a pooler has to keep them (see docs/connecting.md, "Poolers").
/// `statement_cache_capacity` is the number of statements to keep: default 100, at least 1.
///
/// # SQLite
///
/// `sqlite:path` or `sqlite://path`, with the feature `sqlite`. A missing file is created (with `?mode=rw` it must
/// exist). A relative path is resolved against the working directory when the string is parsed. The database uses a
/// write-ahead log and is synced at every commit. Use it on one machine only: SQLite's locks do not work across a
/// network.
#[derive(Clone)]
pub struct DatabaseUrl {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    #[cfg(feature = "postgres")]
    Postgres(Box<conninfo::Postgres>),
    #[cfg(feature = "sqlite")]
    Sqlite(conninfo::Sqlite, options::sqlite::Database),
}

/// The kind of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
}

impl DatabaseUrl {
    /// Parses a connection string, and fills in what is missing as libpq does: from this process's environment
    /// variables, the password file in its home directory and the operating system's name of its user.
    ///
    /// # Errors
    /// [`Error::InvalidDatabaseUrl`].
    pub fn with_libpq_defaults(text: &str) -> Result<Self, Error> {
        #[cfg(feature = "postgres")]
        let environment = process::environment();
        #[cfg(not(feature = "postgres"))]
        let environment = Environment::empty();
        Self::parse_with(text, &environment)
    }

    /// Parses a connection string, and fills in what is missing from this environment. It reads nothing of the
    /// process but, for a relative SQLite path, the working directory.
    ///
    /// # Errors
    /// [`Error::InvalidDatabaseUrl`].
    pub fn parse_with(text: &str, environment: &Environment) -> Result<Self, Error> {
        let parsed = ConnInfo::parse(text, environment);
        let kind = parsed.map_err(|error| error.to_string()).and_then(Kind::of);
        kind.map(|kind| Self { kind }).map_err(Error::InvalidDatabaseUrl)
    }

    /// The kind of the database.
    pub fn backend(&self) -> Backend {
        match &self.kind {
            #[cfg(feature = "postgres")]
            Kind::Postgres(_) => Backend::Postgres,
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(..) => Backend::Sqlite,
        }
    }

    /// Connects with a small pool of connections, for a migration for example.
    ///
    /// An elector opens connections of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::AccessDenied`] and [`Error::InvalidDatabaseUrl`] (a certificate cannot be
    /// read, the file is a directory, the server knows no such run-time parameter), after 10 s at the latest, or
    /// after `connect_timeout` if that was given.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it leaves no connection open.
    pub async fn connect(&self) -> Result<DatabaseConnection, Error> {
        let limit = match &self.kind {
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => postgres.connect_timeout.unwrap_or(CONNECT_LIMIT),
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(..) => CONNECT_LIMIT,
        };
        let spec = self.spec(APPLICATION_NAME)?;
        spec.ping(limit).await.map_err(|error| Error::of_store(error, &self.to_string()))?;
        Ok(spec.pool(limit))
    }

    /// The same as [`connect`](Self::connect), but retries until the database is reachable. The wait grows with each
    /// failure, up to 5 s, with jitter. `on_retry` is called with every failure and the wait that follows it.
    ///
    /// # Errors
    /// Errors that a retry does not help against: everything but [`Error::Unreachable`].
    ///
    /// # Cancel safety
    /// Dropped early, it leaves no connection open.
    pub async fn connect_with_retry(
        &self,
        mut on_retry: impl FnMut(&Error, Duration),
    ) -> Result<DatabaseConnection, Error> {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
        loop {
            match self.connect().await {
                Err(error @ Error::Unreachable { .. }) => {
                    let wait = backoff.next(&mut rand::rng());
                    on_retry(&error, wait);
                    tokio::time::sleep(wait).await;
                }
                ended => return ended,
            }
        }
    }

    /// The options for connections. The name is what the server lists their sessions under, unless the connection
    /// string has one. This reads the files and the socket that the string names.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only a server lists sessions"))]
    pub(crate) fn spec(&self, application_name: &str) -> Result<ConnectSpec, Error> {
        match &self.kind {
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => options::postgres::options(postgres, application_name)
                .map(|options| ConnectSpec::Postgres(backend::postgres::Postgres::new(options))),
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(_, database) => database.options().map(|options| {
                ConnectSpec::Sqlite(backend::sqlite::Sqlite::new(options, database.in_memory))
            }),
        }
        .map_err(Error::InvalidDatabaseUrl)
    }
}

impl Kind {
    /// Checks that this build supports what the connection string asks for.
    fn of(asked: ConnInfo) -> Result<Self, String> {
        match asked {
            #[cfg(feature = "postgres")]
            ConnInfo::Postgres(postgres) => {
                options::postgres::check(&postgres)?;
                Ok(Self::Postgres(postgres))
            }
            #[cfg(not(feature = "postgres"))]
            ConnInfo::Postgres(_) => {
                Err("this build has no PostgreSQL: build it with the feature `postgres`".to_owned())
            }
            #[cfg(feature = "sqlite")]
            ConnInfo::Sqlite(sqlite) => {
                let database = options::sqlite::Database::of(&sqlite)?;
                Ok(Self::Sqlite(sqlite, database))
            }
            #[cfg(not(feature = "sqlite"))]
            ConnInfo::Sqlite(_) => {
                Err("this build has no SQLite: build it with the feature `sqlite`".to_owned())
            }
        }
    }
}

/// Parses without libpq's defaults. It reads nothing of the process but, for a relative SQLite path, the working
/// directory.
impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse_with(text, &Environment::empty())
    }
}

impl TryFrom<&str> for DatabaseUrl {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<&String> for DatabaseUrl {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<&DatabaseUrl> for DatabaseUrl {
    fn from(url: &DatabaseUrl) -> Self {
        url.clone()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => f.write_str(&postgres.location()),
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite, _) => f.write_str(&sqlite.location()),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        })
    }
}
