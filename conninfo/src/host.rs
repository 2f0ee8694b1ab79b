//! The servers that a connection string names.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::error::ParseError;
use crate::settings::Settings;

/// PostgreSQL's port.
const DEFAULT_PORT: u16 = 5432;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Host {
    /// Its name: for the certificate, the password file and messages.
    pub name: HostName,
    /// Its IP address, if given: then the name is not resolved.
    pub hostaddr: Option<IpAddr>,
    /// Its port, never 0. A Unix socket has one too: it is part of the file's name.
    pub port: u16,
}

/// The name of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// No name was given. libpq then tries the Unix socket in its default directory. The program that connects has to
    /// check whether that socket exists.
    Default,
    /// A host name or an IP address.
    Name(String),
    /// The directory of a Unix socket, an absolute path.
    Socket(PathBuf),
}

impl Host {
    /// A server with this name.
    pub fn new(name: HostName, port: u16) -> Self {
        Self { name, hostaddr: None, port }
    }

    /// Whether its IP address is its only name.
    pub fn is_called_by_address(&self) -> bool {
        self.hostaddr.is_some_and(|address| self.name == HostName::Name(address.to_string()))
    }

    /// Whether it is reached by a Unix socket. `None` for [`HostName::Default`], which is not resolved yet.
    pub fn is_socket(&self) -> Option<bool> {
        match (&self.name, self.hostaddr) {
            (_, Some(_)) | (HostName::Name(_), None) => Some(false),
            (HostName::Socket(_), None) => Some(true),
            (HostName::Default, None) => None,
        }
    }
}

/// Pairs up the lists of `host`, `hostaddr` and `port`, as libpq does.
pub(crate) fn hosts(settings: &Settings) -> Result<Vec<Host>, ParseError> {
    let names = settings.list("host");
    let addresses = settings.list("hostaddr");
    let count = addresses.len().max(names.len()).max(1);
    for (keyword, list) in [("host", &names), ("hostaddr", &addresses)] {
        if !list.is_empty() && list.len() != count {
            return Err(settings.invalid(keyword, format!("names {} of {count} hosts", list.len())));
        }
    }
    let ports = settings.list("port");
    if ports.len() > 1 && ports.len() != count {
        let hosts = if count == 1 { "host" } else { "hosts" };
        let why = format!("has {} ports for {count} {hosts}: name one, or one for each host", ports.len());
        return Err(settings.invalid("port", why));
    }
    // A single port is the port of every host.
    let port_of = |at: usize| ports.get(if ports.len() == 1 { 0 } else { at }).copied().unwrap_or_default();
    let element = |list: &[&str], at: usize| list.get(at).copied().unwrap_or_default().to_owned();
    (0..count)
        .map(|at| {
            let hostaddr = address(settings, &element(&addresses, at))?;
            Ok(Host {
                name: name(settings, &element(&names, at), hostaddr)?,
                hostaddr,
                port: port(settings, port_of(at))?,
            })
        })
        .collect()
}

fn name(settings: &Settings, text: &str, hostaddr: Option<IpAddr>) -> Result<HostName, ParseError> {
    if text.starts_with('@') {
        return Err(settings.invalid("host", "is an abstract socket, which cannot be honoured"));
    }
    if text.contains(char::is_whitespace) {
        return Err(settings.invalid("host", "has a blank in it"));
    }
    Ok(match hostaddr {
        _ if text.starts_with('/') => HostName::Socket(PathBuf::from(text)),
        Some(address) if text.is_empty() => HostName::Name(address.to_string()),
        None if text.is_empty() => HostName::Default,
        _ => HostName::Name(text.to_owned()),
    })
}

fn address(settings: &Settings, text: &str) -> Result<Option<IpAddr>, ParseError> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| settings.invalid("hostaddr", "is not an IP address")),
    }
}

fn port(settings: &Settings, text: &str) -> Result<u16, ParseError> {
    if text.is_empty() {
        return Ok(DEFAULT_PORT);
    }
    let port = text.parse().ok().filter(|&port| port != 0);
    port.ok_or_else(|| settings.invalid("port", "is not a number from 1 to 65535"))
}
