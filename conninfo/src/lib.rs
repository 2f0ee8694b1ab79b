//! Connection strings for PostgreSQL and SQLite, as typed specifications.
//!
//! ```
//! use conninfo::{ConnInfo, Environment};
//!
//! let text = "host=db.example user=app password=s3cret dbname=shop connect_timeout=5";
//! let parsed = ConnInfo::parse(text, &Environment::empty())?;
//! assert_eq!(parsed.location(), "postgres://app@db.example:5432/shop");
//! assert_eq!(parsed.to_string(), "postgres://app@db.example:5432/shop?connect_timeout=5");
//!
//! let ConnInfo::Postgres(postgres) = parsed else { unreachable!() };
//! assert_eq!(postgres.hosts[0].port, 5432);
//! assert_eq!(postgres.password.unwrap().expose(), "s3cret");
//! # Ok::<(), conninfo::ParseError>(())
//! ```
//!
//! Parsing is pure: a text and an [`Environment`] in, a [`ConnInfo`] or a [`ParseError`] out. It opens no file, looks
//! for no socket and reads no variable. The specification names them for the program that connects: the password file
//! ([`password_in`] parses its text), the certificates, the socket of a host without a name, a relative SQLite path.
//!
//! # The forms
//!
//! | form | grammar |
//! |---|---|
//! | `keyword=value ...` | libpq's, [34.1.1.1](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE) |
//! | `postgres://` or `postgresql://` | libpq's, [34.1.1.2](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS), but an `@` in the database's name has to be written `%40` |
//! | `sqlite:path` or `sqlite://path` | a path, percent-decoded, and `?mode=rwc` (the default: a missing file is created), `rw` or `memory`; `sqlite::memory:` |
//!
//! The last value of a repeated keyword counts. A keyword with an empty value counts as unset, so the
//! [environment](https://www.postgresql.org/docs/current/libpq-envars.html) sets it. In the keyword form a name that is
//! not a keyword is a run-time parameter of the server (`search_path=app`), as in Go's pgx, unless it looks like a
//! misspelt keyword. A URL refuses such a name, as libpq does: run-time parameters go into
//! `options=-c search_path=app` there.
//!
//! # The keywords
//!
//! Every keyword of PostgreSQL 18's libpq
//! ([34.1.2](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS)) is one of these:
//!
//! | | keywords |
//! |---|---|
//! | part of the specification | `host`, `hostaddr`, `port` (each a list with commas), `dbname`, `user`, `password`, `passfile`, `connect_timeout`, `application_name`, `fallback_application_name`, `options`, `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `channel_binding`, `target_session_attrs`, `load_balance_hosts`; and `statement_cache_capacity`, which is sqlx's; in a URL `ssl=true`, which is JDBC's |
//! | ignored with a value that asks for what happens anyway, else refused | `client_encoding` (UTF8), `replication` (off), `keepalives`, `keepalives_idle`, `keepalives_interval`, `keepalives_count`, `tcp_user_timeout` (0), `gssencmode` (`disable`, `prefer`), `gssdelegation` (0), `sslcompression` (0), `sslsni` (1), `sslcertmode` (`allow`), `sslnegotiation` (`postgres`), `ssl_min_protocol_version` (up to TLSv1.2), `ssl_max_protocol_version` (TLSv1.3), `min_protocol_version`, `max_protocol_version` (3.0; the latter also 3.2 and `latest`) |
//! | refused | `service`, `servicefile`, `require_auth`, `requirepeer`, `krbsrvname`, `gsslib`, `sslcrl`, `sslcrldir`, `sslpassword`, `sslkeylogfile`, `scram_client_key`, `scram_server_key`, `oauth_issuer`, `oauth_client_id`, `oauth_client_secret`, `oauth_scope` |
//!
//! Not every driver supports every specification. A program refuses what its driver does not support.
//!
//! # Passwords
//!
//! No `Display`, no `Debug` and no [`ParseError`] contains the password. A message repeats keywords, names of
//! parameters and values from a fixed set of words, and nothing else of the input. One limit: an unescaped `?` in the
//! password of a URL (it has to be written `%3F`) begins the parameters, so the rest of the password is read as
//! parameters.

mod encoding;
mod environment;
mod error;
mod host;
mod keyword_string;
mod keywords;
mod modes;
mod pair;
mod parameters;
mod passfile;
mod password;
mod postgres;
mod postgres_url;
mod settings;
mod sqlite;
#[cfg(test)]
mod tests;
mod url;

use std::fmt;

pub use environment::Environment;
pub use error::ParseError;
pub use error::Setting;
pub use host::Host;
pub use host::HostName;
pub use keywords::variables;
pub use modes::ChannelBinding;
pub use modes::LoadBalanceHosts;
pub use modes::SslMode;
pub use modes::TargetSessionAttrs;
pub use parameters::Parameter;
pub use parameters::switches;
pub use passfile::password_in;
pub use password::Password;
pub use postgres::ClientCertificate;
pub use postgres::Origins;
pub use postgres::Postgres;
pub use postgres::RootCertificates;
use settings::Unknown;
pub use sqlite::Sqlite;

/// A parsed connection string.
///
/// `Display` writes a URL without the password. Apart from the password, the URL parses to an equal value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnInfo {
    /// A PostgreSQL database.
    Postgres(Box<Postgres>),
    /// A SQLite database.
    Sqlite(Sqlite),
}

impl ConnInfo {
    /// Parses a connection string. The environment supplies the settings that the string does not set.
    ///
    /// # Errors
    /// [`ParseError`]: the text has none of the forms, breaks the form's grammar, or sets something that is refused.
    pub fn parse(text: &str, environment: &Environment) -> Result<Self, ParseError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(ParseError::Empty);
        }
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return Sqlite::parse(rest).map(Self::Sqlite);
        }
        let url = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let (pairs, unknown) = match url {
            Some(rest) => (url::parse(rest)?, Unknown::Mistake),
            None => {
                looks_like_pairs(text)?;
                (keyword_string::parse(text)?, Unknown::RunTimeParameter)
            }
        };
        Postgres::of(pairs, unknown, environment).map(Box::new).map(Self::Postgres)
    }

    /// Where the database is, for messages: user, hosts and database, or the file.
    pub fn location(&self) -> String {
        match self {
            Self::Postgres(postgres) => postgres.location(),
            Self::Sqlite(sqlite) => sqlite.location(),
        }
    }
}

impl fmt::Display for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(postgres) => postgres.fmt(f),
            Self::Sqlite(sqlite) => sqlite.fmt(f),
        }
    }
}

fn looks_like_pairs(text: &str) -> Result<(), ParseError> {
    // The message repeats only the scheme, which is not secret: nothing but letters, digits, `+`, `-` and `.` before
    // `://`.
    if let Some((scheme, _)) = text.split_once("://")
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    {
        return Err(ParseError::UnknownScheme { scheme: scheme.to_owned() });
    }
    match text.contains('=') {
        true => Ok(()),
        false => Err(ParseError::UnknownForm),
    }
}
