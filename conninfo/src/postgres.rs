//! A PostgreSQL connection string as a specification.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::environment::Environment;
use crate::error::ParseError;
use crate::error::Setting;
use crate::host;
use crate::host::Host;
use crate::modes::ChannelBinding;
use crate::modes::LoadBalanceHosts;
use crate::modes::SslMode;
use crate::modes::TargetSessionAttrs;
use crate::pair::Pair;
use crate::parameters;
use crate::parameters::Parameter;
use crate::password::Password;
use crate::settings::Settings;
use crate::settings::Unknown;

/// A PostgreSQL database, and how to connect to it.
///
/// The password file, the certificates and the key are paths as written: no file is read. `Debug` and `Display` do not
/// show the password. `Display` writes a URL. Apart from the password, the URL parses to an equal specification.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Postgres {
    /// The servers, at least one, in the written order.
    pub hosts: Vec<Host>,
    /// The user. `None` if neither the string nor the environment names one.
    pub user: Option<String>,
    /// The database. Without one, the database with the user's name.
    pub database: Option<String>,
    /// The password, from the string or `PGPASSWORD`. The password file counts only without it.
    pub password: Option<Password>,
    /// The path of the password file. The file need not exist.
    pub passfile: Option<PathBuf>,
    /// `sslmode` as given. [`sslmode_for`](Self::sslmode_for) says what it means for a host.
    pub sslmode: Option<SslMode>,
    /// The trusted certificate authorities.
    pub sslrootcert: Option<RootCertificates>,
    /// The client's certificate.
    pub client_certificate: Option<ClientCertificate>,
    /// `prefer` unless another is given.
    pub channel_binding: ChannelBinding,
    /// `any` unless another is given.
    pub target_session_attrs: TargetSessionAttrs,
    /// `disable` unless another is given.
    pub load_balance_hosts: LoadBalanceHosts,
    /// How long to try each host. `None` if not given, or 0 or less: libpq then sets no limit.
    pub connect_timeout: Option<Duration>,
    /// The session's name in the server's list of sessions: `application_name`, else `fallback_application_name`.
    pub application_name: Option<String>,
    /// How many prepared statements a connection keeps: a setting of sqlx, not of libpq.
    pub statement_cache_capacity: Option<NonZeroUsize>,
    /// The run-time parameters of the session: first those in `options`, then those given as keywords.
    pub parameters: Vec<Parameter>,
    /// Which settings came from the environment.
    pub origins: Origins,
}

/// `sslrootcert`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCertificates {
    /// The authorities that the operating system trusts.
    System,
    /// The authorities in this file.
    File(PathBuf),
}

/// `sslcert` and `sslkey`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate's file.
    pub certificate: PathBuf,
    /// The key's file.
    pub key: PathBuf,
}

/// Where the settings came from, for messages. All values compare equal, because the origin does not change the
/// specification.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    from_variables: Vec<Setting>,
}

impl Origins {
    /// How a message names the setting of a keyword.
    pub fn setting(&self, keyword: &'static str) -> Setting {
        let known = self.from_variables.iter().find(|setting| setting.keyword == keyword);
        known.copied().unwrap_or(Setting { keyword, variable: None })
    }
}

impl PartialEq for Origins {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origins {}

impl Postgres {
    pub(crate) fn of(
        pairs: Vec<Pair>,
        unknown: Unknown,
        environment: &Environment,
    ) -> Result<Self, ParseError> {
        let settings = Settings::collect(pairs, unknown, environment)?;
        let owned = |keyword| settings.text(keyword).map(str::to_owned);
        let user = owned("user").or_else(|| environment.user().map(str::to_owned));
        let in_home = || Some(environment.home()?.join(".pgpass"));
        Ok(Self {
            hosts: host::hosts(&settings)?,
            database: owned("dbname").or_else(|| user.clone()),
            user,
            password: owned("password").map(Password::new),
            passfile: owned("passfile").map(PathBuf::from).or_else(in_home),
            sslmode: sslmode(&settings)?,
            sslrootcert: owned("sslrootcert").map(|file| match file.as_str() {
                "system" => RootCertificates::System,
                _ => RootCertificates::File(PathBuf::from(file)),
            }),
            client_certificate: client_certificate(&settings)?,
            channel_binding: mode(&settings, "channel_binding", ChannelBinding::ALL, ChannelBinding::Prefer)?,
            target_session_attrs: mode(
                &settings,
                "target_session_attrs",
                TargetSessionAttrs::ALL,
                TargetSessionAttrs::Any,
            )?,
            load_balance_hosts: mode(
                &settings,
                "load_balance_hosts",
                LoadBalanceHosts::ALL,
                LoadBalanceHosts::Disable,
            )?,
            connect_timeout: connect_timeout(&settings)?,
            application_name: owned("application_name").or_else(|| owned("fallback_application_name")),
            statement_cache_capacity: statement_cache_capacity(&settings)?,
            parameters: session_parameters(&settings)?,
            origins: Origins { from_variables: settings.variables() },
        })
    }

    /// What `sslmode` means for a host, by libpq's rules: a Unix socket has no TLS, and `require` with `sslrootcert`
    /// means `verify-ca`. `None` if `sslmode` was not given.
    pub fn sslmode_for(&self, host: &Host) -> Option<SslMode> {
        match self.sslmode {
            _ if host.is_socket() == Some(true) => Some(SslMode::Disable),
            Some(SslMode::Require) if self.sslrootcert.is_some() => Some(SslMode::VerifyCa),
            mode => mode,
        }
    }
}

fn sslmode(settings: &Settings) -> Result<Option<SslMode>, ParseError> {
    let Some(text) = settings.text("sslmode") else { return Ok(None) };
    match SslMode::of(text) {
        Some(mode) => Ok(Some(mode)),
        None => {
            let why = format!("`{text}` is not one of disable, prefer, require, verify-ca, verify-full");
            Err(settings.invalid("sslmode", why))
        }
    }
}

/// A mode by its name, in upper or lower case.
fn mode<M: Copy + fmt::Display>(
    settings: &Settings,
    keyword: &'static str,
    all: &[M],
    default: M,
) -> Result<M, ParseError> {
    let Some(text) = settings.text(keyword) else { return Ok(default) };
    let word = text.to_ascii_lowercase();
    let found = all.iter().copied().find(|mode| mode.to_string() == word);
    found.ok_or_else(|| {
        let words: Vec<_> = all.iter().map(M::to_string).collect();
        settings.invalid(keyword, format!("`{text}` is not one of {}", words.join(", ")))
    })
}

fn client_certificate(settings: &Settings) -> Result<Option<ClientCertificate>, ParseError> {
    match (settings.text("sslcert"), settings.text("sslkey")) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(ClientCertificate { certificate: certificate.into(), key: key.into() }))
        }
        _ => Err(ParseError::Contradiction("`sslcert` and `sslkey` go together: name both files")),
    }
}

fn connect_timeout(settings: &Settings) -> Result<Option<Duration>, ParseError> {
    let Some(seconds) = settings.text("connect_timeout") else { return Ok(None) };
    let seconds: i32 = seconds
        .trim()
        .parse()
        .map_err(|_| settings.invalid("connect_timeout", "is not a whole number of seconds"))?;
    Ok(u64::try_from(seconds).ok().filter(|&s| s > 0).map(Duration::from_secs))
}

fn statement_cache_capacity(settings: &Settings) -> Result<Option<NonZeroUsize>, ParseError> {
    const KEYWORD: &str = "statement_cache_capacity";
    let Some(text) = settings.text(KEYWORD) else { return Ok(None) };
    let capacity: usize = text.parse().map_err(|_| settings.invalid(KEYWORD, "is not a number"))?;
    let zero = "must be at least 1: without a cache the driver would leave every statement it prepares behind in \
                the session";
    NonZeroUsize::new(capacity).map(Some).ok_or_else(|| settings.invalid(KEYWORD, zero))
}

fn session_parameters(settings: &Settings) -> Result<Vec<Parameter>, ParseError> {
    let switches = parameters::switches(settings.text("options").unwrap_or_default());
    let mut parameters = switches.map_err(|why| ParseError::Refused {
        setting: settings.setting("options"),
        value: None,
        why: why.into(),
    })?;
    parameters.extend(settings.run_time.iter().cloned());
    Ok(parameters)
}
