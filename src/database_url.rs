//! Which database, as people write it down.

#[cfg(feature = "postgres")]
mod keyword_string;
#[cfg(feature = "postgres")]
mod keywords;
#[cfg(feature = "postgres")]
mod passfile;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod run_time;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "postgres")]
mod url;

use std::{fmt, str::FromStr, time::Duration};

use sea_orm::DatabaseConnection;

use crate::Error;
use crate::backoff::Backoff;
use crate::store::backend;
use crate::store::backend::APPLICATION_NAME;
use crate::store::backend::ConnectSpec;

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
///
/// A `postgres://` URL or a string of `keyword=value` pairs, both by
/// [libpq's rules](https://www.postgresql.org/docs/current/libpq-connect.html): quoting, percent-encoding,
/// IPv6 addresses, socket directories as host. Every keyword of libpq is carried out or refused by name. In
/// the keyword form a name that is none of libpq's is sent to the server as a run-time parameter
/// (`search_path=app`), as Go's pgx does, unless it looks like a misspelt keyword; in a URL, as in libpq,
/// run-time parameters go into `options=-c search_path=app`. `TimeZone` and `DateStyle` are checked by the
/// server, but sessions run with UTC and ISO dates.
///
/// What is missing is taken from libpq's environment variables (`PGHOST`, `PGUSER`, `PGPASSWORD`, ...), held
/// to the same rules, and then: the socket in `/var/run/postgresql` or `/tmp` if there is one, else
/// `localhost`; port 5432; the user of the operating system; the database of the user's name; the password
/// file. `PGOPTIONS` stays in force beside `options`.
///
/// `sslmode` is `prefer` unless it is given, and the rest of it is:
///
/// | `sslmode` | |
/// |---|---|
/// | `disable` | plain text |
/// | `allow` | refused |
/// | `prefer` | TLS if the server has it, else plain text; the certificate is not looked at |
/// | `require` | TLS; the certificate is not looked at; with `sslrootcert` the same as `verify-ca` |
/// | `verify-ca` | TLS; the certificate has to come from an authority in `sslrootcert`, or a public one |
/// | `verify-full` | also, it has to be the host's |
///
/// Both checking modes trust, beside the authorities in `sslrootcert`, those in Mozilla's list, which is
/// compiled in (libpq trusts `sslrootcert` alone). So `verify-ca` also lets pass whoever has a certificate
/// from a public authority, for any name: use `verify-full`. The files libpq looks for in `~/.postgresql` are
/// not looked for. On a Unix socket there is no TLS whatever the mode, as in libpq. Without the feature `tls`
/// every mode but `disable` is refused.
///
/// Statements are prepared once for every connection; a pooler has to keep them (see the README, "Poolers").
/// `statement_cache_capacity` says how many are kept: 100 unless given, at least 1.
///
/// # SQLite
///
/// `sqlite:path` or `sqlite://path`, with the feature `sqlite`. The file is created when it is missing
/// (`?mode=rw`: it has to be there). It has a write-ahead log and is synced at every commit. One machine
/// only: SQLite's locks do not work across a network.
#[derive(Clone)]
pub struct DatabaseUrl {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Postgres>),
    #[cfg(feature = "sqlite")]
    Sqlite(Box<sqlite::Sqlite>),
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

/// A keyword, or a parameter of a URL, and its value.
#[cfg(feature = "postgres")]
struct Pair {
    keyword: String,
    value: String,
}

impl DatabaseUrl {
    /// The file `leader-election.db` in the working directory: a database for one machine only.
    #[cfg(feature = "sqlite")]
    pub fn default_sqlite() -> Self {
        Self { kind: Kind::Sqlite(Box::new(sqlite::Sqlite::default_file())) }
    }

    /// The kind of the database.
    pub fn backend(&self) -> Backend {
        match &self.kind {
            #[cfg(feature = "postgres")]
            Kind::Postgres(_) => Backend::Postgres,
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(_) => Backend::Sqlite,
        }
    }

    /// Whether this is a SQLite database.
    pub fn is_sqlite(&self) -> bool {
        self.backend() == Backend::Sqlite
    }

    /// Connects, with a small pool of connections, for a migration for example.
    ///
    /// An elector opens connections of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], [`Error::AccessDenied`] and [`Error::InvalidDatabaseUrl`] (the server knows no such
    /// run-time parameter), at the latest after 10 s, or `connect_timeout` if that was given.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, it leaves no connection open.
    pub async fn connect(&self) -> Result<DatabaseConnection, Error> {
        let limit = match &self.kind {
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => postgres.connect_timeout.unwrap_or(CONNECT_LIMIT),
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(_) => CONNECT_LIMIT,
        };
        let target = self.spec(APPLICATION_NAME);
        target.ping(limit).await.map_err(|error| Error::of_store(error, &self.to_string()))?;
        Ok(target.pool(limit))
    }

    /// As [`connect`](Self::connect), but tries until the database is there, waiting longer after each failure and by
    /// chance, for 5 s at most. `tell` hears of every failure and of how long is waited then.
    ///
    /// # Errors
    /// What trying again does not help: everything but [`Error::Unreachable`].
    ///
    /// # Cancel safety
    /// Dropped early, it leaves no connection open.
    pub async fn connect_patiently(
        &self,
        mut tell: impl FnMut(&Error, Duration),
    ) -> Result<DatabaseConnection, Error> {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(5));
        loop {
            match self.connect().await {
                Err(error @ Error::Unreachable { .. }) => {
                    let wait = backoff.next(&mut rand::rng());
                    tell(&error, wait);
                    tokio::time::sleep(wait).await;
                }
                ended => return ended,
            }
        }
    }

    /// What connections are opened with. The name is what the server lists their sessions under, unless the
    /// connection string has one.
    #[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only a server lists sessions"))]
    pub(crate) fn spec(&self, application_name: &str) -> ConnectSpec {
        match &self.kind {
            #[cfg(feature = "postgres")]
            Kind::Postgres(postgres) => {
                let mut postgres = postgres.clone();
                postgres.set_application_name(&backend::postgres::cut_to_name(application_name));
                ConnectSpec::Postgres(backend::postgres::Postgres::new(postgres.options))
            }
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite) => {
                ConnectSpec::Sqlite(backend::sqlite::Sqlite::new(sqlite.options.clone(), sqlite.in_memory))
            }
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(input: &str) -> Result<Self, Error> {
        parse(input.trim(), |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .map(|kind| Self { kind })
            .map_err(Error::InvalidDatabaseUrl)
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
            Kind::Postgres(postgres) => postgres.fmt(f),
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(sqlite) => sqlite.fmt(f),
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

const FORMS: &str = "write postgres://user:password@host:5432/database, \
                     host=... user=... password=... dbname=..., or sqlite:path";

#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "only PostgreSQL has variables"))]
fn parse(input: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Kind, String> {
    if input.is_empty() {
        return Err(format!("it is empty: {FORMS}"));
    }
    if let Some(rest) = input.strip_prefix("sqlite:") {
        #[cfg(feature = "sqlite")]
        return sqlite::Sqlite::parse(rest).map(Box::new).map(Kind::Sqlite);
        #[cfg(not(feature = "sqlite"))]
        {
            let _ = rest;
            return Err("this build has no SQLite: build it with the feature `sqlite`".to_owned());
        }
    }
    let url = input.strip_prefix("postgres://").or_else(|| input.strip_prefix("postgresql://"));
    if url.is_none() {
        // Only a scheme is repeated, and it is nothing secret: letters before `://` and no `=` in front.
        if let Some((scheme, _)) = input.split_once("://")
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            return Err(format!("`{scheme}://` is not supported: {FORMS}"));
        }
        if !input.contains('=') {
            return Err(format!("this is neither a URL nor a list of `keyword=value`: {FORMS}"));
        }
    }
    #[cfg(feature = "postgres")]
    {
        let (pairs, unknown) = match url {
            Some(rest) => (url::parse(rest)?, postgres::Unknown::Mistake),
            None => (keyword_string::parse(input)?, postgres::Unknown::RunTimeParameter),
        };
        postgres::Postgres::resolve(pairs, unknown, variable).map(Box::new).map(Kind::Postgres)
    }
    #[cfg(not(feature = "postgres"))]
    Err("this build has no PostgreSQL: build it with the feature `postgres`".to_owned())
}
