//! PostgreSQL's options.

mod passfile;
#[cfg(test)]
mod tests;
mod tls;

use std::borrow::Cow;
use std::path::Path;

use conninfo::ChannelBinding;
use conninfo::Host;
use conninfo::HostName;
use conninfo::LoadBalanceHosts;
use conninfo::Parameter;
use conninfo::Postgres;
use conninfo::TargetSessionAttrs;
use conninfo::switches;
use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::sqlx::postgres::PgConnectOptions;

use crate::store::backend::postgres::truncate_name;

/// The directories of the socket in Debian's and in PostgreSQL's own builds.
const SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// Whether everything in the connection string is supported. Reads nothing but the specification.
///
/// # Errors
/// What is not supported, and what to do instead.
pub(crate) fn check(asked: &Postgres) -> Result<(), String> {
    let host = only_host(asked)?;
    let refused = |keyword, value: &str, why: &str| {
        Err(format!("{} cannot be honoured: {why}", asked.origins.setting(keyword).with_value(Some(value))))
    };
    match asked.target_session_attrs {
        // A node only writes. On a read-only server its first step fails, and it reconnects.
        TargetSessionAttrs::Any | TargetSessionAttrs::ReadWrite | TargetSessionAttrs::Primary => {}
        attrs @ (TargetSessionAttrs::ReadOnly
        | TargetSessionAttrs::Standby
        | TargetSessionAttrs::PreferStandby) => {
            let why = "a node has to write: use `any`, `read-write` or `primary`";
            return refused("target_session_attrs", attrs.as_str(), why);
        }
    }
    match asked.load_balance_hosts {
        LoadBalanceHosts::Disable => {}
        LoadBalanceHosts::Random => {
            return refused("load_balance_hosts", "random", "there is one host to connect to");
        }
    }
    match asked.channel_binding {
        ChannelBinding::Disable | ChannelBinding::Prefer => {}
        ChannelBinding::Require => {
            let why = "there is no channel binding here; sslmode=verify-full protects the login";
            return refused("channel_binding", "require", why);
        }
    }
    tls::check(asked)?;
    // Whether a host without a name has a socket is known only when it is connected to.
    if host.is_socket().is_some() {
        tls::mode(asked, host)?;
    }
    Ok(())
}

/// The options for a new connection: reads the socket directories, the certificates and the password file. The name
/// is the session's unless the connection string has one.
///
/// The driver takes options of its own from the process's environment. All are replaced but two, which it has no way
/// to replace: it adds `PGOPTIONS`, and `PGSSLCERT` with `PGSSLKEY` if no client certificate is given.
///
/// # Errors
/// The errors of [`check`], and certificates that cannot be read.
pub(crate) fn options(asked: &Postgres, application_name: &str) -> Result<PgConnectOptions, String> {
    check(asked)?;
    let host = resolved(only_host(asked)?);
    let user = match &asked.user {
        Some(user) => user.clone(),
        None => whoami::username().map_err(|error| {
            format!("name a user: the operating system has no name for this process's user ({error})")
        })?,
    };
    let database = asked.database.as_ref().unwrap_or(&user);
    let password = match (&asked.password, &asked.passfile) {
        (Some(password), _) => Some(password.clone()),
        (None, Some(file)) => passfile::look_up(file, &host, database, &user),
        (None, None) => None,
    };
    let name = asked.application_name.as_deref().map(Cow::from);
    let mut options = PgConnectOptions::new_without_pgpass()
        .host(&address(&host))
        .port(host.port)
        .username(&user)
        .database(database)
        // The driver treats an empty password as none.
        .password(password.as_ref().map_or("", |password| password.expose()))
        .ssl_mode(tls::mode(asked, &host)?)
        .application_name(&name.unwrap_or_else(|| Cow::from(truncate_name(application_name))))
        // The driver asks for its own rounding of floating-point numbers, which poolers refuse and nothing here
        // needs.
        .extra_float_digits(None);
    options = tls::with_certificates(options, asked)?;
    if let Some(capacity) = asked.statement_cache_capacity {
        options = options.statement_cache_capacity(capacity.get());
    }
    let parameters = remaining_parameters(&asked.parameters, options.get_options());
    if !parameters.is_empty() {
        options = options.options(parameters.iter().map(|parameter| (&parameter.name, &parameter.value)));
    }
    Ok(options.disable_statement_logging())
}

/// The parameters that the driver has not already set from `PGOPTIONS`.
fn remaining_parameters<'a>(parameters: &'a [Parameter], said: Option<&str>) -> &'a [Parameter] {
    let said = said.and_then(|text| switches(text).ok()).unwrap_or_default();
    parameters.strip_prefix(said.as_slice()).unwrap_or(parameters)
}

fn only_host(asked: &Postgres) -> Result<&Host, String> {
    match asked.hosts.as_slice() {
        [host] => Ok(host),
        hosts => {
            let keyword = if hosts.iter().all(Host::is_called_by_address) { "hostaddr" } else { "host" };
            let setting = asked.origins.setting(keyword);
            Err(format!("{setting} cannot be honoured with several hosts: name one"))
        }
    }
}

/// For a host without a name: the socket if there is one, else this machine.
fn resolved(host: &Host) -> Host {
    let mut resolved = host.clone();
    if host.name == HostName::Default {
        let socket = format!(".s.PGSQL.{}", host.port);
        let found = SOCKET_DIRECTORIES.into_iter().find(|place| Path::new(place).join(&socket).exists());
        resolved.name = match found {
            Some(directory) => HostName::Socket(directory.into()),
            None => HostName::Name("localhost".to_owned()),
        };
    }
    resolved
}

/// The address to connect to.
fn address(host: &Host) -> Cow<'_, str> {
    match (host.hostaddr, &host.name) {
        (Some(address), _) => Cow::from(address.to_string()),
        (None, HostName::Name(name)) => Cow::from(name),
        (None, HostName::Socket(directory)) => directory.to_string_lossy(),
        (None, HostName::Default) => Cow::from("localhost"),
    }
}
