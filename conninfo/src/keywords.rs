//! What each of libpq's keywords means here: part of the specification, ignored, or refused by name.
//!
//! The list is libpq's own of PostgreSQL 18
//! (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>).

/// How a keyword is treated.
pub(crate) enum Use {
    /// Its value is part of the specification.
    Specified,
    /// The listed values ask for what happens anyway and are ignored. Every other value is refused, for the given
    /// reason.
    Only(&'static [&'static str], &'static str),
}

/// One of libpq's keywords.
pub(crate) struct Keyword {
    pub(crate) name: &'static str,
    /// The environment variable that libpq reads when the keyword is not set.
    pub(crate) variable: Option<&'static str>,
    pub(crate) purpose: Use,
}

const fn specified(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, purpose: Use::Specified }
}

const fn only(
    name: &'static str,
    variable: Option<&'static str>,
    harmless: &'static [&'static str],
    why: &'static str,
) -> Keyword {
    Keyword { name, variable, purpose: Use::Only(harmless, why) }
}

const NO_GSS: &str = "there is no GSSAPI here; use a password or a client certificate";
const NO_OAUTH: &str = "there is no OAuth here; use a password or a client certificate";
const NO_SERVICE: &str = "service files are not read; write the settings out";
const NO_CRL: &str = "revocation lists are not checked";
const NO_SCRAM_KEYS: &str = "only a password can be given; use `password` or `passfile`";
const NO_TCP_TUNING: &str =
    "the socket's own timers stay the system's; every command has a time limit of its own, so leave it out";

/// Every keyword.
pub(crate) const KEYWORDS: &[Keyword] = &[
    specified("host", Some("PGHOST")),
    specified("hostaddr", Some("PGHOSTADDR")),
    specified("port", Some("PGPORT")),
    specified("dbname", Some("PGDATABASE")),
    specified("user", Some("PGUSER")),
    specified("password", Some("PGPASSWORD")),
    specified("passfile", Some("PGPASSFILE")),
    specified("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    specified("application_name", Some("PGAPPNAME")),
    specified("fallback_application_name", None),
    specified("options", Some("PGOPTIONS")),
    specified("sslmode", Some("PGSSLMODE")),
    specified("sslrootcert", Some("PGSSLROOTCERT")),
    specified("sslcert", Some("PGSSLCERT")),
    specified("sslkey", Some("PGSSLKEY")),
    // From pgx and sqlx, not from libpq.
    specified("statement_cache_capacity", None),
    only(
        "client_encoding",
        Some("PGCLIENTENCODING"),
        &["utf8", "utf-8", "unicode", "auto"],
        "the encoding is always UTF8",
    ),
    specified("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    specified("load_balance_hosts", Some("PGLOADBALANCEHOSTS")),
    only("replication", None, &["false", "off", "no", "0"], "a node needs an ordinary session"),
    only("keepalives", None, &["0", "1"], "it is 0 or 1"),
    only("keepalives_idle", None, &["0"], NO_TCP_TUNING),
    only("keepalives_interval", None, &["0"], NO_TCP_TUNING),
    only("keepalives_count", None, &["0"], NO_TCP_TUNING),
    only("tcp_user_timeout", None, &["0"], NO_TCP_TUNING),
    only("gssencmode", Some("PGGSSENCMODE"), &["disable", "prefer"], NO_GSS),
    only("krbsrvname", Some("PGKRBSRVNAME"), &[], NO_GSS),
    only("gsslib", Some("PGGSSLIB"), &[], NO_GSS),
    only("gssdelegation", Some("PGGSSDELEGATION"), &["0"], NO_GSS),
    specified("channel_binding", Some("PGCHANNELBINDING")),
    only(
        "require_auth",
        Some("PGREQUIREAUTH"),
        &[],
        "the server chooses how it checks the login; sslmode=verify-full protects it",
    ),
    only("requirepeer", Some("PGREQUIREPEER"), &[], "the owner of the server's socket is not checked"),
    only("sslcompression", Some("PGSSLCOMPRESSION"), &["0"], "TLS is never compressed"),
    only("sslcrl", Some("PGSSLCRL"), &[], NO_CRL),
    only("sslcrldir", Some("PGSSLCRLDIR"), &[], NO_CRL),
    only("sslpassword", None, &[], "the client's key must have no passphrase"),
    only("sslsni", Some("PGSSLSNI"), &["1"], "the host's name is always sent"),
    only(
        "sslcertmode",
        Some("PGSSLCERTMODE"),
        &["allow"],
        "a client certificate is sent when it is given and asked for",
    ),
    only(
        "sslnegotiation",
        Some("PGSSLNEGOTIATION"),
        &["postgres"],
        "TLS is always negotiated inside PostgreSQL's own protocol",
    ),
    only("sslkeylogfile", None, &[], "session keys are never written down"),
    only(
        "ssl_min_protocol_version",
        Some("PGSSLMINPROTOCOLVERSION"),
        &["tlsv1", "tlsv1.1", "tlsv1.2"],
        "TLS 1.2 and 1.3 are offered",
    ),
    only(
        "ssl_max_protocol_version",
        Some("PGSSLMAXPROTOCOLVERSION"),
        &["tlsv1.3"],
        "TLS 1.2 and 1.3 are offered",
    ),
    only(
        "min_protocol_version",
        Some("PGMINPROTOCOLVERSION"),
        &["3.0"],
        "the protocol version is always 3.0",
    ),
    only(
        "max_protocol_version",
        Some("PGMAXPROTOCOLVERSION"),
        &["3.0", "3.2", "latest"],
        "the protocol version is always 3.0",
    ),
    only("service", Some("PGSERVICE"), &[], NO_SERVICE),
    only("servicefile", None, &[], NO_SERVICE),
    only("scram_client_key", None, &[], NO_SCRAM_KEYS),
    only("scram_server_key", None, &[], NO_SCRAM_KEYS),
    only("oauth_issuer", None, &[], NO_OAUTH),
    only("oauth_client_id", None, &[], NO_OAUTH),
    only("oauth_client_secret", None, &[], NO_OAUTH),
    only("oauth_scope", None, &[], NO_OAUTH),
];

/// The environment variables that libpq reads for keywords that are not set, for example `PGHOST`.
pub fn variables() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter_map(|keyword| keyword.variable)
}

/// The keyword with this name.
pub(crate) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// The keyword that a name was probably meant to be.
pub(crate) fn meant_by(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "username" | "login" | "uid" => return Some("user"),
        "database" | "db" | "database_name" => return Some("dbname"),
        "server" | "hostname" | "address" | "addr" => return Some("host"),
        "ssl" | "tls" | "requiressl" => return Some("sslmode"),
        "statement-cache-capacity" => return Some("statement_cache_capacity"),
        // The value may be a password: it must not be sent as a run-time parameter, which the server's log shows.
        "pwd" => return Some("password"),
        lower if lower.contains("pass") || lower.contains("secret") => return Some("password"),
        _ => {}
    }
    KEYWORDS
        .iter()
        .map(|keyword| (strsim::osa_distance(&lower, keyword.name), keyword.name))
        .filter(|&(distance, name)| distance <= if name.len() <= 4 { 1 } else { 2 })
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_keyword_is_distinguished_from_a_run_time_parameter() {
        let typos = [
            ("pasword", "password"),
            ("hots", "host"),
            ("hst", "host"),
            ("prot", "port"),
            ("usr", "user"),
            ("Host", "host"),
            ("ssl_mode", "sslmode"),
            ("sslmod", "sslmode"),
            ("dbnme", "dbname"),
            ("database", "dbname"),
            ("aplication_name", "application_name"),
            ("pwd", "password"),
            ("DbPassword", "password"),
        ];
        for (typo, expected) in typos {
            assert_eq!(meant_by(typo), Some(expected), "{typo}");
        }
        for parameter in [
            "TimeZone",
            "search_path",
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "role",
            "jit",
            "geqo",
            "work_mem",
            "DateStyle",
            "synchronous_commit",
            "tcp_keepalives_idle",
            "myapp.tenant",
        ] {
            assert_eq!(meant_by(parameter), None, "{parameter}");
        }
    }
}
