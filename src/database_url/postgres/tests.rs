use super::super::{Kind, parse};
use super::*;

const BASE: &str = "host=db user=me password=s3cret dbname=shop";

fn resolve_with(input: &str, variables: &[(&str, &str)]) -> Result<Postgres, String> {
    let variable =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    match parse(input, variable)? {
        Kind::Postgres(postgres) => Ok(*postgres),
        #[cfg(feature = "sqlite")]
        Kind::Sqlite(_) => panic!("{input} is taken for SQLite"),
    }
}

fn resolve(input: &str) -> Result<Postgres, String> {
    resolve_with(input, &[])
}

#[track_caller]
fn refused(input: &str, expected: &str) {
    let said = resolve(input).err().unwrap_or_else(|| panic!("accepted: {input}"));
    assert!(said.contains(expected), "{input}: {said}");
    assert!(!said.contains("s3cret") && !said.contains("hunter2"), "{said}");
    assert!(!said.contains('\n'), "{said}");
}

#[test]
fn both_forms_name_the_same_database() {
    for (input, shown) in [
        (BASE, "postgres://me@db:5432/shop"),
        ("postgres://me:s3cret@db/shop", "postgres://me@db:5432/shop"),
        ("postgresql://me:s3cret@db:5433/shop", "postgres://me@db:5433/shop"),
        ("postgres://me@[::1]/shop", "postgres://me@[::1]:5432/shop"),
        ("host=::1 user=me dbname=shop", "postgres://me@[::1]:5432/shop"),
        ("host=/tmp user=me dbname=shop", "postgres://me@/shop?host=/tmp&port=5432"),
        ("postgres://me@%2Ftmp/shop", "postgres://me@/shop?host=/tmp&port=5432"),
        ("postgres:///shop?host=/tmp&user=me&port=5433", "postgres://me@/shop?host=/tmp&port=5433"),
        ("host=db hostaddr=10.0.0.1 user=me dbname=shop", "postgres://me@db:5432/shop"),
        ("host=db user=me", "postgres://me@db:5432/me"),
        ("host=db user='a b@c' dbname='x/y'", "postgres://a%20b%40c@db:5432/x%2Fy"),
        ("host=a host=db user=me", "postgres://me@db:5432/me"),
        ("host=db port='' user=me sslmode=''", "postgres://me@db:5432/me"),
    ] {
        let postgres = resolve(input).unwrap_or_else(|why| panic!("{input}: {why}"));
        assert_eq!(postgres.to_string(), shown, "{input}");
    }
}

#[test]
fn what_is_asked_for_reaches_the_driver() {
    let postgres = resolve(&format!(
        "{BASE} hostaddr=10.0.0.1 connect_timeout=3 application_name=mine sslmode=disable \
         options='-c geqo=off' TimeZone=Asia/Shanghai search_path='a b'"
    ))
    .unwrap();
    let options = &postgres.options;
    assert_eq!(options.get_host(), "10.0.0.1");
    assert_eq!(options.get_application_name(), Some("mine"));
    assert_eq!(options.get_options(), Some(r"-c geqo=off -c TimeZone=Asia/Shanghai -c search_path=a\ b"));
    assert!(matches!(options.get_ssl_mode(), PgSslMode::Disable));
    assert_eq!(postgres.connect_timeout, Some(Duration::from_secs(3)));
    assert_eq!(resolve("host=db connect_timeout=0").unwrap().connect_timeout, None);
}

#[test]
fn an_application_name_that_was_asked_for_stays() {
    for (input, expected) in [
        (BASE.to_owned(), "leader-election/node-1"),
        (format!("{BASE} application_name=mine"), "mine"),
        (format!("{BASE} fallback_application_name=mine"), "mine"),
        (format!("{BASE} fallback_application_name=x application_name=mine"), "mine"),
    ] {
        let mut postgres = resolve(&input).unwrap();
        postgres.set_application_name("leader-election/node-1");
        assert_eq!(postgres.options.get_application_name(), Some(expected), "{input}");
    }
}

#[test]
fn harmless_values_pass() {
    for keyword in [
        "client_encoding=UTF8",
        "client_encoding=auto",
        "target_session_attrs=any",
        "target_session_attrs=read-write",
        "load_balance_hosts=disable",
        "replication=false",
        "keepalives=1",
        "keepalives=0",
        "keepalives_idle=0",
        "gssencmode=disable",
        "gssencmode=prefer",
        "channel_binding=disable",
        "channel_binding=prefer",
        "sslcompression=0",
        "sslsni=1",
        "sslcertmode=allow",
        "sslnegotiation=postgres",
        "ssl_min_protocol_version=TLSv1.2",
        "ssl_max_protocol_version=TLSv1.3",
        "max_protocol_version=latest",
        "statement_cache_capacity=1",
        "service=''",
    ] {
        if let Err(why) = resolve(&format!("{BASE} {keyword}")) {
            panic!("{keyword}: {why}");
        }
    }
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    for (keyword, expected) in [
        ("service=x", "keyword `service` cannot be honoured: service files are not read"),
        ("gssencmode=require", "keyword `gssencmode` with the value `require` cannot be honoured"),
        ("krbsrvname=postgres", "keyword `krbsrvname` cannot be honoured"),
        ("statement_cache_capacity=0", "`statement_cache_capacity` must be at least 1"),
        ("gsslib=gssapi", "keyword `gsslib`"),
        ("channel_binding=require", "keyword `channel_binding`"),
        ("require_auth=scram-sha-256", "keyword `require_auth`"),
        ("requirepeer=postgres", "keyword `requirepeer`"),
        ("sslcompression=1", "keyword `sslcompression`"),
        ("sslcrl=/x", "keyword `sslcrl`"),
        ("sslcrldir=/x", "keyword `sslcrldir`"),
        ("sslpassword=hunter2", "keyword `sslpassword`"),
        ("scram_client_key=hunter2", "keyword `scram_client_key`"),
        ("oauth_client_secret=hunter2", "keyword `oauth_client_secret`"),
        ("sslsni=0", "keyword `sslsni`"),
        ("sslcertmode=require", "keyword `sslcertmode`"),
        ("sslnegotiation=direct", "keyword `sslnegotiation`"),
        ("ssl_min_protocol_version=TLSv1.3", "keyword `ssl_min_protocol_version`"),
        ("replication=database", "keyword `replication`"),
        ("load_balance_hosts=random", "keyword `load_balance_hosts`"),
        ("target_session_attrs=standby", "a node has to write"),
        ("client_encoding=LATIN1", "always UTF8"),
        ("keepalives_idle=30", "keyword `keepalives_idle`"),
        ("tcp_user_timeout=1000", "keyword `tcp_user_timeout`"),
        ("host=a,b", "keyword `host` cannot be honoured with several hosts"),
        ("port=1,2", "keyword `port` cannot be honoured with several hosts"),
        ("hostaddr=1.2.3.4,5.6.7.8", "keyword `hostaddr` cannot be honoured with several hosts"),
        ("hostaddr=db", "keyword `hostaddr` is not an IP address"),
        ("host=@abstract", "abstract socket"),
        ("host='a b'", "has a blank"),
        ("port=0", "from 1 to 65535"),
        ("port=hunter2", "from 1 to 65535"),
        ("connect_timeout=soon", "whole number of seconds"),
        ("options='-B 10'", "keyword `options` cannot be honoured"),
        ("sslcert=/nonexistent", "keyword `sslcert` names a file that cannot be read"),
        ("sslcert=/dev/null", "`sslcert` and `sslkey` go together"),
        ("sslmode=allow", "keyword `sslmode` `allow` cannot be honoured"),
        ("sslmode=on", "not one of disable"),
        ("pasword=hunter2", "unknown keyword `pasword`: did you mean `password`?"),
        ("pwd=hunter2", "did you mean `password`?"),
        ("hots=x", "did you mean `host`?"),
        ("my-setting=hunter2", "neither a keyword nor the name of a run-time parameter"),
        ("search_path='a\tb'", "a tab or a line break"),
    ] {
        refused(&format!("{BASE} {keyword}"), expected);
    }
}

#[test]
fn a_url_is_as_strict_as_libpq() {
    refused("postgres://me:hunter2@db/shop?sslmod=require", "did you mean `sslmode`?");
    refused("postgres://me:hunter2@db/shop?TimeZone=UTC", "unknown parameter `TimeZone`");
    refused("postgres://me:hunter2@a,b/shop", "several hosts");
    refused("postgres://me:hunter2@a/shop?host=a,b", "several hosts");
    refused("postgres://me:hunter2@a/shop?service=x", "keyword `service` cannot be honoured");
    refused("postgres://me:hunter%002@a/shop", "zero byte");
    refused("postgres://me:hunter2@a/shop?ssl=false", "did you mean `sslmode`?");
    resolve("postgres://me:hunter2@a/shop?options=-c%20search_path%3Dapp").unwrap();
}

#[test]
fn what_is_no_database_is_refused_without_repeating_it() {
    refused("", "it is empty");
    refused("hunter2", "neither a URL");
    refused("mysql://me:hunter2@db/shop", "`mysql://` is not supported");
    refused("me:hunter2@db://shop", "neither a URL");
    refused("host=db password=my hunter2", "after the value of `password`");
}

#[cfg(feature = "tls")]
#[test]
fn every_sslmode_is_carried_out_or_refused() {
    let mode = |input: &str| resolve(input).map(|postgres| postgres.options.get_ssl_mode());
    let roots = "sslrootcert=/dev/null";
    assert!(matches!(mode(BASE), Ok(PgSslMode::Prefer)));
    assert!(matches!(mode(&format!("{BASE} sslmode=disable")), Ok(PgSslMode::Disable)));
    assert!(matches!(mode(&format!("{BASE} sslmode=prefer")), Ok(PgSslMode::Prefer)));
    assert!(matches!(mode(&format!("{BASE} sslmode=require")), Ok(PgSslMode::Require)));
    assert!(matches!(mode(&format!("{BASE} sslmode=require {roots}")), Ok(PgSslMode::VerifyCa)));
    assert!(matches!(mode(&format!("{BASE} sslmode=verify-ca {roots}")), Ok(PgSslMode::VerifyCa)));
    assert!(matches!(mode(&format!("{BASE} sslmode=verify-full")), Ok(PgSslMode::VerifyFull)));
    assert!(matches!(mode("postgres://db?ssl=true"), Ok(PgSslMode::Require)));
    assert!(matches!(mode("host=/tmp sslmode=require"), Ok(PgSslMode::Disable)));
    refused(&format!("{BASE} sslmode=verify-ca"), "needs `sslrootcert`");
    refused(&format!("{BASE} sslmode=verify-full sslrootcert=system"), "`system` cannot be honoured");
    refused(&format!("{BASE} sslmode=verify-full hostaddr=10.0.0.1"), "`hostaddr` beside `host`");
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_tls_every_mode_but_disable_is_refused() {
    assert!(matches!(resolve(BASE).unwrap().options.get_ssl_mode(), PgSslMode::Disable));
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        refused(&format!("{BASE} sslmode={mode}"), "this build has no TLS");
    }
}

#[test]
fn the_environment_fills_in_what_is_missing_and_is_held_to_the_same_rules() {
    let variables = [("PGHOST", "db"), ("PGUSER", "me"), ("PGDATABASE", "shop"), ("PGPORT", "5433")];
    let postgres = resolve_with("port=5434 password=s3cret", &variables).unwrap();
    assert_eq!(postgres.to_string(), "postgres://me@db:5434/shop");
    assert_eq!(resolve_with("postgres://", &variables).unwrap().to_string(), "postgres://me@db:5433/shop");

    for (variable, value, expected) in [
        ("PGSSLMODE", "allow", "the environment variable `PGSSLMODE` `allow` cannot be honoured"),
        ("PGSERVICE", "x", "the environment variable `PGSERVICE` cannot be honoured"),
        ("PGPORT", "x", "the environment variable `PGPORT` is not a number"),
        ("PGHOST", "a,b", "the environment variable `PGHOST` cannot be honoured with several hosts"),
    ] {
        let said = resolve_with("user=me", &[(variable, value)]).err().unwrap();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn neither_display_nor_debug_shows_the_password() {
    let url: crate::DatabaseUrl = BASE.parse().unwrap();
    for shown in [url.to_string(), format!("{url:?}"), format!("{:?}", url.spec("x"))] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
