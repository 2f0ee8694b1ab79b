use crate::ChannelBinding;
use crate::ClientCertificate;
use crate::ConnInfo;
use crate::Environment;
use crate::Host;
use crate::HostName;
use crate::LoadBalanceHosts;
use crate::Parameter;
use crate::ParseError;
use crate::Postgres;
use crate::RootCertificates;
use crate::SslMode;
use crate::TargetSessionAttrs;

mod environment;
mod refusals;

const BASE: &str = "host=db user=me password=s3cret dbname=shop";

fn parse_with(input: &str, environment: &Environment) -> Result<Postgres, ParseError> {
    match ConnInfo::parse(input, environment)? {
        ConnInfo::Postgres(postgres) => Ok(*postgres),
        ConnInfo::Sqlite(_) => panic!("{input} was parsed as SQLite"),
    }
}

fn parse(input: &str) -> Result<Postgres, ParseError> {
    parse_with(input, &Environment::empty())
}

#[track_caller]
fn accepted(input: &str) -> Postgres {
    parse(input).unwrap_or_else(|why| panic!("{input}: {why}"))
}

#[test]
fn both_forms_name_the_same_database() {
    for (input, shown) in [
        (BASE, "postgres://me@db:5432/shop"),
        ("postgres://me:s3cret@db/shop", "postgres://me@db:5432/shop"),
        ("postgresql://me:s3cret@db:5433/shop", "postgres://me@db:5433/shop"),
        ("  postgres://me:s3cret@db/shop\n", "postgres://me@db:5432/shop"),
        ("postgres://me@[::1]/shop", "postgres://me@[::1]:5432/shop"),
        ("host=::1 user=me dbname=shop", "postgres://me@[::1]:5432/shop"),
        ("host=/tmp user=me dbname=shop", "postgres://me@/shop?host=/tmp&port=5432"),
        ("postgres://me@%2Ftmp/shop", "postgres://me@/shop?host=/tmp&port=5432"),
        ("postgres:///shop?host=/tmp&user=me&port=5433", "postgres://me@/shop?host=/tmp&port=5433"),
        ("host=db hostaddr=10.0.0.1 user=me dbname=shop", "postgres://me@db:5432/shop"),
        ("hostaddr=10.0.0.1 user=me", "postgres://me@10.0.0.1:5432/me"),
        ("host=db user=me", "postgres://me@db:5432/me"),
        ("host=db user='a b@c' dbname='x/y'", "postgres://a%20b%40c@db:5432/x%2Fy"),
        ("host=a host=db user=me", "postgres://me@db:5432/me"),
        ("host=db port='' user=me sslmode=''", "postgres://me@db:5432/me"),
        ("host=db dbname=shop", "postgres://db:5432/shop"),
        ("postgres://", "postgres://:5432"),
        ("postgres://me@a:1,b:2/shop", "postgres://me@a:1,b:2/shop"),
        ("host=a,/tmp,::1 port=5433 user=me", "postgres://me@a:5433,%2Ftmp:5433,[::1]:5433/me"),
    ] {
        let location = accepted(input).location();
        assert_eq!(location, shown, "{input}");
        assert_eq!(accepted(&location).location(), shown);
    }
}

#[test]
fn every_setting_reaches_the_specification() {
    let postgres = accepted(&format!(
        "{BASE} port=5433 hostaddr=10.0.0.1 connect_timeout=3 application_name=mine sslmode=require \
         sslrootcert=/roots sslcert=/cert sslkey=/key passfile=/pass channel_binding=disable \
         target_session_attrs=Read-Write load_balance_hosts=random statement_cache_capacity=7 \
         options='-c geqo=off' TimeZone=Asia/Shanghai search_path='a b'"
    ));
    let [host] = postgres.hosts.as_slice() else { panic!("{postgres:?}") };
    assert_eq!(host.name, HostName::Name("db".to_owned()));
    assert_eq!(host.hostaddr, Some([10, 0, 0, 1].into()));
    assert_eq!(host.port, 5433);
    assert_eq!(postgres.user.as_deref(), Some("me"));
    assert_eq!(postgres.database.as_deref(), Some("shop"));
    assert_eq!(postgres.password.as_ref().map(|password| password.expose()), Some("s3cret"));
    assert_eq!(postgres.passfile, Some("/pass".into()));
    assert_eq!(postgres.sslmode, Some(SslMode::Require));
    assert_eq!(postgres.sslrootcert, Some(RootCertificates::File("/roots".into())));
    assert_eq!(
        postgres.client_certificate,
        Some(ClientCertificate { certificate: "/cert".into(), key: "/key".into() })
    );
    assert_eq!(postgres.channel_binding, ChannelBinding::Disable);
    assert_eq!(postgres.target_session_attrs, TargetSessionAttrs::ReadWrite);
    assert_eq!(postgres.load_balance_hosts, LoadBalanceHosts::Random);
    assert_eq!(postgres.connect_timeout.map(|limit| limit.as_secs()), Some(3));
    assert_eq!(postgres.application_name.as_deref(), Some("mine"));
    assert_eq!(postgres.statement_cache_capacity.map(usize::from), Some(7));
    let parameters = [("geqo", "off"), ("TimeZone", "Asia/Shanghai"), ("search_path", "a b")];
    let parameters =
        parameters.map(|(name, value)| Parameter { name: name.to_owned(), value: value.to_owned() });
    assert_eq!(postgres.parameters, parameters);
    assert_eq!(
        postgres.to_string(),
        "postgres://me@db:5433/shop?hostaddr=10.0.0.1&passfile=/pass&sslmode=require&sslrootcert=/roots\
         &sslcert=/cert&sslkey=/key&channel_binding=disable&target_session_attrs=read-write\
         &load_balance_hosts=random&connect_timeout=3&application_name=mine&statement_cache_capacity=7\
         &options=-c%20geqo%3Doff%20-c%20TimeZone%3DAsia/Shanghai%20-c%20search_path%3Da%5C%20b"
    );
}

#[test]
fn unset_settings_have_libpqs_defaults() {
    let postgres = accepted("postgres://");
    assert_eq!(postgres.hosts, [Host::new(HostName::Default, 5432)]);
    assert_eq!((&postgres.user, &postgres.database), (&None, &None));
    assert_eq!((&postgres.password, &postgres.passfile), (&None, &None));
    assert_eq!((postgres.sslmode, &postgres.sslrootcert), (None, &None));
    assert_eq!(postgres.channel_binding, ChannelBinding::Prefer);
    assert_eq!(postgres.target_session_attrs, TargetSessionAttrs::Any);
    assert_eq!(postgres.load_balance_hosts, LoadBalanceHosts::Disable);
    assert_eq!(postgres.application_name, None);
    assert!(postgres.parameters.is_empty());
    for unlimited in ["connect_timeout=0", "connect_timeout=-1", "host=db"] {
        assert_eq!(accepted(unlimited).connect_timeout, None, "{unlimited}");
    }
    assert_eq!(accepted("fallback_application_name=x").application_name.as_deref(), Some("x"));
    let both = accepted("fallback_application_name=x application_name=mine");
    assert_eq!(both.application_name.as_deref(), Some("mine"));
}

#[test]
fn lists_of_hosts_are_paired_as_libpq_pairs_them() {
    let name = |name: &str| HostName::Name(name.to_owned());
    let host = |name: HostName, hostaddr: Option<&str>, port| {
        let mut host = Host::new(name, port);
        host.hostaddr = hostaddr.map(|address| address.parse().unwrap());
        host
    };
    for (input, expected) in [
        ("host=a,b", vec![host(name("a"), None, 5432), host(name("b"), None, 5432)]),
        ("host=a,b port=1", vec![host(name("a"), None, 1), host(name("b"), None, 1)]),
        ("host=a,b port=1,2", vec![host(name("a"), None, 1), host(name("b"), None, 2)]),
        ("host=a,b port=1,", vec![host(name("a"), None, 1), host(name("b"), None, 5432)]),
        ("postgres://a,b:2", vec![host(name("a"), None, 5432), host(name("b"), None, 2)]),
        ("postgres://a:1/?host=b,c", vec![host(name("b"), None, 1), host(name("c"), None, 1)]),
        (
            "host=,/run",
            vec![host(HostName::Default, None, 5432), host(HostName::Socket("/run".into()), None, 5432)],
        ),
        ("host=a hostaddr=::1", vec![host(name("a"), Some("::1"), 5432)]),
        ("hostaddr=::1", vec![host(name("::1"), Some("::1"), 5432)]),
        (
            "host=a,b,c hostaddr=1.2.3.4,,::1",
            vec![
                host(name("a"), Some("1.2.3.4"), 5432),
                host(name("b"), None, 5432),
                host(name("c"), Some("::1"), 5432),
            ],
        ),
        (
            "host=,b hostaddr=1.2.3.4,",
            vec![host(name("1.2.3.4"), Some("1.2.3.4"), 5432), host(name("b"), None, 5432)],
        ),
    ] {
        let postgres = accepted(input);
        assert_eq!(postgres.hosts, expected, "{input}");
        assert_eq!(parse(&postgres.to_string()).as_ref(), Ok(&postgres), "{input}");
    }
}

#[test]
fn sslmode_depends_on_the_host_and_on_the_root_certificate() {
    let mode = |input: &str| {
        let postgres = accepted(input);
        postgres.sslmode_for(&postgres.hosts[0])
    };
    for &given in SslMode::ALL {
        assert_eq!(mode(&format!("host=db sslmode={given}")), Some(given));
        assert_eq!(mode(&format!("host=/tmp sslmode={given}")), Some(SslMode::Disable));
        let over_tcp = format!("host=/tmp hostaddr=10.0.0.1 sslmode={given}");
        assert_eq!(mode(&over_tcp), Some(given));
    }
    assert_eq!(mode("host=db"), None);
    assert_eq!(mode("postgres://db?ssl=true"), Some(SslMode::Require));
    assert_eq!(mode("host=db sslmode=require sslrootcert=/roots"), Some(SslMode::VerifyCa));
    assert_eq!(accepted("sslrootcert=system").sslrootcert, Some(RootCertificates::System));
}

#[test]
fn neither_display_nor_debug_shows_the_password() {
    for input in [BASE, "postgres://me:s3cret@db/shop", "postgres://db?password=s3cret"] {
        let parsed = ConnInfo::parse(input, &Environment::empty()).unwrap();
        for shown in [parsed.to_string(), parsed.location(), format!("{parsed:?}"), format!("{parsed:#?}")] {
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}

#[test]
fn the_documentation_names_every_keyword() {
    let documentation = include_str!("lib.rs");
    for keyword in crate::keywords::KEYWORDS {
        assert!(documentation.contains(&format!("`{}`", keyword.name)), "{}", keyword.name);
    }
}
