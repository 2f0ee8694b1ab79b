//! A PostgreSQL specification, written as a URL.

use std::fmt;
use std::net::Ipv6Addr;

use crate::encoding;
use crate::host::Host;
use crate::host::HostName;
use crate::modes::ChannelBinding;
use crate::modes::LoadBalanceHosts;
use crate::modes::TargetSessionAttrs;
use crate::parameters;
use crate::postgres::Postgres;
use crate::postgres::RootCertificates;

impl Postgres {
    /// User, hosts and database as a URL, for messages.
    pub fn location(&self) -> String {
        url(&self.base(), &[])
    }

    /// The URL up to its parameters, and the parameters that name the host.
    fn base(&self) -> Base {
        let user = self.user.as_deref().map(|user| format!("{}@", encoding::component(user)));
        let database = self.database.as_deref().map(|database| format!("/{}", encoding::component(database)));
        let (user, database) = (user.unwrap_or_default(), database.unwrap_or_default());
        if let [Host { name: HostName::Socket(directory), port, .. }] = self.hosts.as_slice() {
            let slash = if database.is_empty() { "/" } else { "" };
            return Base {
                address: format!("postgres://{user}{database}{slash}"),
                parameters: vec![
                    ("host", directory.to_string_lossy().into_owned()),
                    ("port", port.to_string()),
                ],
            };
        }
        let hosts: Vec<_> = self.hosts.iter().map(authority).collect();
        Base { address: format!("postgres://{user}{}{database}", hosts.join(",")), parameters: Vec::new() }
    }

    /// All settings but user, hosts, database and password.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let file = |path: &std::path::Path| path.to_string_lossy().into_owned();
        let addresses =
            self.hosts.iter().map(|host| host.hostaddr.map(|a| a.to_string()).unwrap_or_default());
        let addresses = addresses.collect::<Vec<_>>().join(",");
        let has_address = self.hosts.iter().any(|host| host.hostaddr.is_some());
        let certificate = self.client_certificate.as_ref();
        let settings = [
            ("hostaddr", has_address.then_some(addresses)),
            ("passfile", self.passfile.as_deref().map(file)),
            ("sslmode", self.sslmode.map(|mode| mode.to_string())),
            (
                "sslrootcert",
                self.sslrootcert.as_ref().map(|roots| match roots {
                    RootCertificates::System => "system".to_owned(),
                    RootCertificates::File(path) => file(path),
                }),
            ),
            ("sslcert", certificate.map(|certificate| file(&certificate.certificate))),
            ("sslkey", certificate.map(|certificate| file(&certificate.key))),
            ("channel_binding", unless(ChannelBinding::Prefer, self.channel_binding)),
            ("target_session_attrs", unless(TargetSessionAttrs::Any, self.target_session_attrs)),
            ("load_balance_hosts", unless(LoadBalanceHosts::Disable, self.load_balance_hosts)),
            ("connect_timeout", self.connect_timeout.map(|limit| limit.as_secs().to_string())),
            ("application_name", self.application_name.clone()),
            ("statement_cache_capacity", self.statement_cache_capacity.map(|n| n.to_string())),
            ("options", (!self.parameters.is_empty()).then(|| parameters::written(&self.parameters))),
        ];
        settings.into_iter().filter_map(|(keyword, value)| Some((keyword, value?))).collect()
    }
}

impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&url(&self.base(), &self.settings()))
    }
}

/// The part of a URL that says where the database is.
struct Base {
    address: String,
    parameters: Vec<(&'static str, String)>,
}

fn url(base: &Base, settings: &[(&'static str, String)]) -> String {
    let mut url = base.address.clone();
    for (at, (keyword, value)) in base.parameters.iter().chain(settings).enumerate() {
        let sign = if at == 0 { '?' } else { '&' };
        url.push_str(&format!("{sign}{keyword}={}", encoding::path(value)));
    }
    url
}

fn authority(Host { name, port, .. }: &Host) -> String {
    match name {
        HostName::Default => format!(":{port}"),
        HostName::Name(name) if name.parse::<Ipv6Addr>().is_ok() => format!("[{name}]:{port}"),
        HostName::Name(name) => format!("{}:{port}", encoding::component(name)),
        HostName::Socket(directory) => {
            format!("{}:{port}", encoding::component(&directory.to_string_lossy()))
        }
    }
}

fn unless<M: PartialEq + fmt::Display>(default: M, mode: M) -> Option<String> {
    (mode != default).then(|| mode.to_string())
}
