//! The pairs of a PostgreSQL connection string, carried out.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::{
    Pair,
    keywords::{self, KEYWORDS, Keyword, Use},
    passfile, run_time,
};

/// Where Debian's and PostgreSQL's own builds put the socket.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// What an unknown name means: in the keyword form a run-time parameter, as to pgx, in a URL a mistake, as to
/// libpq.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    RunTimeParameter,
    Mistake,
}

#[derive(Clone)]
pub(super) struct Postgres {
    pub(super) options: PgConnectOptions,
    pub(super) connect_timeout: Option<Duration>,
    /// The host as it was given, where `hostaddr` says how to reach it.
    host: String,
    /// Whether the application name was asked for, and is not to be replaced.
    named: bool,
}

impl Postgres {
    /// `variable` looks an environment variable up.
    pub(super) fn resolve(
        given: Vec<Pair>,
        unknown: Unknown,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let settings = Settings::collect(given, unknown, &variable)?;
        let text = |keyword| settings.text(keyword);

        let port = match text("port") {
            None => 5432,
            Some(port) if port.contains(',') => return Err(one_host(&settings.name("port"))),
            Some(port) => port
                .parse()
                .ok()
                .filter(|&port| port != 0)
                .ok_or_else(|| format!("{} is not a number from 1 to 65535", settings.name("port")))?,
        };
        let host = settings.host(port)?;
        let mut options = PgConnectOptions::new_without_pgpass().port(port);
        let user = match text("user") {
            Some(user) => user.to_owned(),
            None => options.get_username().to_owned(),
        };
        let database = text("dbname").unwrap_or(&user).to_owned();
        let mode = settings.ssl_mode(&host)?;
        options = options.host(&host.address).username(&user).database(&database).ssl_mode(mode);
        options = settings.certificates(options)?;

        let from_file = || {
            let file = match text("passfile") {
                Some(file) => PathBuf::from(file),
                None => Path::new(&variable("HOME")?).join(".pgpass"),
            };
            passfile::look_up(&file, &host.name, port, &database, &user)
        };
        if let Some(password) = text("password").map(str::to_owned).or_else(from_file) {
            options = options.password(&password);
        }

        let name = text("application_name").or(text("fallback_application_name"));
        options = options.application_name(name.unwrap_or(super::APPLICATION_NAME));
        // The driver asks for its own rounding of floating-point numbers, which poolers refuse and nothing here
        // needs.
        options = options.extra_float_digits(None);
        if let Some(capacity) = text("statement_cache_capacity") {
            let name = settings.name("statement_cache_capacity");
            let capacity = capacity.parse().map_err(|_| format!("{name} is not a number"))?;
            if capacity == 0 {
                return Err(format!(
                    "{name} must be at least 1: without a cache the driver would leave every statement it \
                     prepares behind in the session"
                ));
            }
            options = options.statement_cache_capacity(capacity);
        }
        if let Some(switches) = text("options") {
            let parameters = run_time::switches(switches)
                .map_err(|why| format!("{} cannot be honoured: {why}", settings.name("options")))?;
            // The driver has read PGOPTIONS already.
            if options.get_options() != Some(switches) {
                options = options.options(parameters);
            }
        }
        if !settings.run_time.is_empty() {
            options = options.options(settings.run_time.iter().map(|p| (&p.keyword, &p.value)));
        }

        Ok(Self {
            connect_timeout: settings.connect_timeout()?,
            options: options.disable_statement_logging(),
            host: host.name,
            named: name.is_some(),
        })
    }

    /// Calls the session by this name, unless the connection string has one.
    pub(super) fn set_application_name(&mut self, name: &str) {
        if !self.named {
            self.options = self.options.clone().application_name(name);
        }
    }
}

impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let user = encoded(self.options.get_username());
        let database = encoded(self.options.get_database().unwrap_or_default());
        let (host, port) = (&self.host, self.options.get_port());
        if host.starts_with('/') {
            write!(f, "postgres://{user}@/{database}?host={host}&port={port}")
        } else if host.contains(':') {
            write!(f, "postgres://{user}@[{host}]:{port}/{database}")
        } else {
            write!(f, "postgres://{user}@{host}:{port}/{database}")
        }
    }
}

/// The host's name, for the certificate, the password file and people, and what is connected to.
struct Host {
    name: String,
    address: String,
}

impl Host {
    fn is_socket(&self) -> bool {
        self.address.starts_with('/')
    }
}

/// A keyword's value and whether it came from the environment, for messages.
struct Setting {
    keyword: &'static Keyword,
    value: String,
    from_variable: bool,
}

struct Settings {
    known: Vec<Setting>,
    run_time: Vec<Pair>,
}

impl Settings {
    /// Sorts what was given and adds what the environment has to say. An empty value counts as none.
    fn collect(
        given: Vec<Pair>,
        unknown: Unknown,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut known: Vec<Setting> = Vec::new();
        let mut run_time = Vec::new();
        for Pair { keyword: name, value } in given {
            if value.contains('\0') || name.contains('\0') {
                return Err("there is a zero byte in it".to_owned());
            }
            match keywords::find(&name) {
                // The last one counts, as in libpq.
                Some(keyword) => {
                    known.retain(|setting| setting.keyword.name != name);
                    known.push(Setting { keyword, value, from_variable: false });
                }
                // JDBC's way of asking for TLS, which libpq understands in a URL.
                None if unknown == Unknown::Mistake && name == "ssl" && value == "true" => {
                    let keyword = keywords::find("sslmode").expect("sslmode is in the table");
                    known.retain(|setting| setting.keyword.name != "sslmode");
                    known.push(Setting { keyword, value: "require".to_owned(), from_variable: false });
                }
                None => match (keywords::meant_by(&name), unknown) {
                    (Some(meant), _) => {
                        return Err(format!("unknown keyword `{name}`: did you mean `{meant}`?"));
                    }
                    (None, Unknown::Mistake) => {
                        return Err(format!(
                            "unknown parameter `{name}` (run-time parameters go into `options=-c name=value`)"
                        ));
                    }
                    (None, Unknown::RunTimeParameter) => {
                        run_time::check(&name, &value)?;
                        run_time.push(Pair { keyword: name, value });
                    }
                },
            }
        }
        for keyword in KEYWORDS {
            let is_given = known.iter().any(|s| s.keyword.name == keyword.name && !s.value.is_empty());
            if !is_given && let Some(value) = keyword.variable.and_then(variable) {
                known.push(Setting { keyword, value, from_variable: true });
            }
        }
        known.retain(|setting| !setting.value.is_empty());
        let settings = Self { known, run_time };
        for Setting { keyword, value, .. } in &settings.known {
            if let Use::Only(harmless, why) = keyword.purpose
                && !harmless.contains(&value.to_ascii_lowercase().as_str())
            {
                return Err(format!("{} cannot be honoured: {why}", settings.name(keyword.name)));
            }
        }
        Ok(settings)
    }

    fn setting(&self, keyword: &str) -> Option<&Setting> {
        self.known.iter().find(|setting| setting.keyword.name == keyword)
    }

    fn text(&self, keyword: &str) -> Option<&str> {
        self.setting(keyword).map(|setting| setting.value.as_str())
    }

    /// How a message calls a setting. Only values that can hold nothing secret are repeated.
    fn name(&self, keyword: &str) -> String {
        match self.setting(keyword) {
            Some(Setting {
                keyword: Keyword { variable: Some(variable), .. }, from_variable: true, ..
            }) => {
                format!("the environment variable `{variable}`")
            }
            Some(Setting { keyword: Keyword { purpose: Use::Only(harmless, _), .. }, value, .. })
                if !harmless.is_empty() =>
            {
                format!("keyword `{keyword}` with the value `{value}`")
            }
            _ => format!("keyword `{keyword}`"),
        }
    }

    fn host(&self, port: u16) -> Result<Host, String> {
        for keyword in ["host", "hostaddr"] {
            if self.text(keyword).is_some_and(|value| value.contains(',')) {
                return Err(one_host(&self.name(keyword)));
            }
        }
        if let Some(address) = self.text("hostaddr") {
            if address.parse::<std::net::IpAddr>().is_err() {
                return Err(format!("{} is not an IP address", self.name("hostaddr")));
            }
            let name = self.text("host").unwrap_or(address).to_owned();
            return Ok(Host { name, address: address.to_owned() });
        }
        let name = match self.text("host") {
            Some(host) if host.starts_with('@') => {
                return Err(format!("{} is an abstract socket, which cannot be honoured", self.name("host")));
            }
            Some(host) if host.contains(char::is_whitespace) => {
                return Err(format!("{} has a blank in it", self.name("host")));
            }
            Some(host) => host.to_owned(),
            None => SOCKET_DIRECTORIES
                .into_iter()
                .find(|directory| Path::new(directory).join(format!(".s.PGSQL.{port}")).exists())
                .unwrap_or("localhost")
                .to_owned(),
        };
        Ok(Host { address: name.clone(), name })
    }

    fn ssl_mode(&self, host: &Host) -> Result<PgSslMode, String> {
        let asked = self.text("sslmode");
        let name = || format!("{} `{}`", self.name("sslmode"), asked.unwrap_or_default());
        let roots = self.text("sslrootcert");
        let mode = match asked {
            None if cfg!(feature = "tls") => PgSslMode::Prefer,
            None | Some("disable") => PgSslMode::Disable,
            Some("allow") => {
                return Err(format!(
                    "{} cannot be honoured: TLS only after plain text was turned away is not offered; \
                     use `prefer` or `disable`",
                    name()
                ));
            }
            Some("prefer" | "require" | "verify-ca" | "verify-full") if !cfg!(feature = "tls") => {
                return Err(format!(
                    "{} cannot be honoured: this build has no TLS (feature `tls`); use `disable`",
                    name()
                ));
            }
            Some("prefer") => PgSslMode::Prefer,
            // With a root certificate it means verify-ca, as in libpq.
            Some("require") if roots.is_some() => PgSslMode::VerifyCa,
            Some("require") => PgSslMode::Require,
            Some("verify-ca") => PgSslMode::VerifyCa,
            Some("verify-full") => PgSslMode::VerifyFull,
            Some(_) => {
                return Err(format!(
                    "{} is not one of disable, prefer, require, verify-ca, verify-full",
                    name()
                ));
            }
        };
        if roots == Some("system") {
            return Err(format!(
                "{} with the value `system` cannot be honoured: name the system's file \
                 (Debian: /etc/ssl/certs/ca-certificates.crt), or leave it out: \
                 sslmode=verify-full then goes by Mozilla's list of authorities",
                self.name("sslrootcert")
            ));
        }
        match mode {
            // PostgreSQL speaks no TLS on a socket, and libpq ignores the mode there.
            _ if host.is_socket() => Ok(PgSslMode::Disable),
            PgSslMode::VerifyCa if roots.is_none() => Err("sslmode `verify-ca` needs `sslrootcert`: \
                 without it every server with a certificate from a public authority would pass; \
                 name the authority's file, or use `verify-full`"
                .to_owned()),
            PgSslMode::VerifyFull if host.name != host.address => {
                Err("`hostaddr` beside `host` cannot be honoured with sslmode `verify-full`: \
                 the certificate would be compared with the address; leave `hostaddr` out"
                    .to_owned())
            }
            mode => Ok(mode),
        }
    }

    fn certificates(&self, mut options: PgConnectOptions) -> Result<PgConnectOptions, String> {
        for keyword in ["sslrootcert", "sslcert", "sslkey"] {
            let Some(file) = self.text(keyword) else { continue };
            // Found out here, a wrong path is a mistake in the settings, and not a server that is not there.
            std::fs::File::open(file).map_err(|error| {
                format!("{} names a file that cannot be read: {error}", self.name(keyword))
            })?;
            options = match keyword {
                "sslrootcert" => options.ssl_root_cert(file),
                "sslcert" => options.ssl_client_cert(file),
                _ => options.ssl_client_key(file),
            };
        }
        if self.text("sslcert").is_some() != self.text("sslkey").is_some() {
            return Err("`sslcert` and `sslkey` go together: name both files".to_owned());
        }
        Ok(options)
    }

    /// Zero and less, which to libpq mean no limit, leave the limit at its default.
    fn connect_timeout(&self) -> Result<Option<Duration>, String> {
        let Some(seconds) = self.text("connect_timeout") else { return Ok(None) };
        let seconds: i32 = seconds
            .trim()
            .parse()
            .map_err(|_| format!("{} is not a whole number of seconds", self.name("connect_timeout")))?;
        Ok(u64::try_from(seconds).ok().filter(|&s| s > 0).map(Duration::from_secs))
    }
}

fn one_host(name: &str) -> String {
    format!("{name} cannot be honoured with several hosts: name one")
}

/// Percent-encoded, so that what is shown reads in one way only.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || "-._~".contains(c) {
            encoded.push(c);
        } else {
            let mut bytes = [0; 4];
            encoded.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
