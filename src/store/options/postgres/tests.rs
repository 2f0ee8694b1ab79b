use conninfo::ConnInfo;
use conninfo::Environment;
use sea_orm::sqlx::postgres::PgSslMode;

use super::*;

const BASE: &str = "host=db user=me password=s3cret dbname=shop";

fn asked_in(input: &str, environment: &Environment) -> Postgres {
    match ConnInfo::parse(input, environment) {
        Ok(ConnInfo::Postgres(postgres)) => *postgres,
        Ok(ConnInfo::Sqlite(_)) => panic!("{input} is taken for SQLite"),
        Err(why) => panic!("{input}: {why}"),
    }
}

fn asked(input: &str) -> Postgres {
    asked_in(input, &Environment::empty())
}

fn resolve(input: &str) -> Result<PgConnectOptions, String> {
    options(&asked(input), "leader-election/node-1")
}

#[track_caller]
fn holds_no_secret(said: &str) {
    assert!(!said.contains("s3cret") && !said.contains("hunter2"), "{said}");
    assert!(!said.contains('\n'), "{said}");
}

#[track_caller]
fn refused(input: &str, expected: &str) {
    let said = check(&asked(input)).err().unwrap_or_else(|| panic!("accepted: {input}"));
    assert!(said.contains(expected), "{input}: {said}");
    holds_no_secret(&said);
}

#[test]
fn settings_reach_the_driver() {
    let options = resolve(&format!(
        "{BASE} hostaddr=10.0.0.1 port=5433 application_name=mine sslmode=disable \
         options='-c geqo=off' TimeZone=Asia/Shanghai search_path='a b'"
    ))
    .unwrap();
    assert_eq!(options.get_host(), "10.0.0.1");
    assert_eq!(options.get_port(), 5433);
    assert_eq!(options.get_username(), "me");
    assert_eq!(options.get_database(), Some("shop"));
    assert_eq!(options.get_application_name(), Some("mine"));
    assert_eq!(options.get_options(), Some(r"-c geqo=off -c TimeZone=Asia/Shanghai -c search_path=a\ b"));
    assert!(matches!(options.get_ssl_mode(), PgSslMode::Disable));
    assert_eq!(resolve("host=/tmp user=me").unwrap().get_host(), "/tmp");
}

#[test]
fn without_a_user_the_operating_systems_logs_in_to_the_database_of_that_name() {
    let options = resolve("host=db").unwrap();
    assert_eq!(options.get_username(), whoami::username().unwrap());
    assert_eq!(options.get_database(), Some(options.get_username()));
    assert_eq!(resolve("host=db dbname=shop").unwrap().get_database(), Some("shop"));
}

#[test]
fn without_a_host_it_is_the_socket_or_this_machine() {
    // No server listens on port 1.
    assert_eq!(resolve("port=1").unwrap().get_host(), "localhost");
}

#[test]
fn a_given_application_name_is_kept() {
    for (input, expected) in [
        (BASE.to_owned(), "leader-election/node-1"),
        (format!("{BASE} application_name=mine"), "mine"),
        (format!("{BASE} fallback_application_name=mine"), "mine"),
        (format!("{BASE} fallback_application_name=x application_name=mine"), "mine"),
    ] {
        assert_eq!(resolve(&input).unwrap().get_application_name(), Some(expected), "{input}");
    }
    let long = options(&asked(BASE), &"ä".repeat(40)).unwrap();
    assert_eq!(long.get_application_name(), Some("ä".repeat(31).as_str()));
}

#[test]
fn what_the_driver_cannot_do_is_refused_by_name() {
    for (keyword, expected) in [
        ("channel_binding=require", "keyword `channel_binding` with the value `require` cannot be honoured"),
        (
            "load_balance_hosts=random",
            "keyword `load_balance_hosts` with the value `random` cannot be honoured",
        ),
        ("target_session_attrs=standby", "a node has to write"),
        ("target_session_attrs=prefer-standby", "a node has to write"),
        ("target_session_attrs=read-only", "a node has to write"),
        ("host=a,b", "keyword `host` cannot be honoured with several hosts"),
        ("host=a,b port=1,2", "keyword `host` cannot be honoured with several hosts"),
        ("host='' hostaddr=1.2.3.4,5.6.7.8", "keyword `hostaddr` cannot be honoured with several hosts"),
        ("sslmode=allow", "keyword `sslmode` `allow` cannot be honoured"),
    ] {
        refused(&format!("{BASE} {keyword}"), expected);
    }
    refused("postgres://me:hunter2@a,b/shop", "several hosts");
    refused("postgres://me:hunter2@a/shop?host=a,b", "several hosts");
    for harmless in [
        "target_session_attrs=any",
        "target_session_attrs=read-write",
        "target_session_attrs=primary",
        "load_balance_hosts=disable",
        "channel_binding=disable",
        "channel_binding=prefer",
    ] {
        assert_eq!(check(&asked(&format!("{BASE} {harmless}"))), Ok(()), "{harmless}");
    }
}

#[test]
fn settings_from_a_variable_are_refused_by_the_variables_name() {
    for (variable, value, expected) in [
        ("PGSSLMODE", "allow", "the environment variable `PGSSLMODE` `allow` cannot be honoured"),
        ("PGHOST", "a,b", "the environment variable `PGHOST` cannot be honoured with several hosts"),
        (
            "PGCHANNELBINDING",
            "require",
            "the environment variable `PGCHANNELBINDING` cannot be honoured: there is",
        ),
    ] {
        let environment = Environment::empty().with_variables([(variable, value)]);
        let said = check(&asked_in("user=me", &environment)).unwrap_err();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_certificate_that_cannot_be_read_is_refused_at_the_connection() {
    for keyword in ["sslrootcert", "sslcert", "sslkey"] {
        let others = "sslrootcert=/dev/null sslcert=/dev/null sslkey=/dev/null";
        let input = format!("{BASE} {others} {keyword}=/nonexistent");
        assert_eq!(check(&asked(&input)), Ok(()));
        let said = resolve(&input).unwrap_err();
        let expected = format!("keyword `{keyword}` names a file that cannot be read");
        assert!(said.contains(&expected), "{said}");
        holds_no_secret(&said);
    }
}

#[cfg(feature = "tls")]
#[test]
fn every_sslmode_is_supported_or_refused() {
    let mode = |input: &str| resolve(input).map(|options| options.get_ssl_mode());
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
    // Without a host, the mode depends on whether there is a socket.
    assert_eq!(check(&asked("port=1 sslmode=verify-ca")), Ok(()));
    assert!(mode("port=1 sslmode=verify-ca").unwrap_err().contains("needs `sslrootcert`"));
}

#[cfg(not(feature = "tls"))]
#[test]
fn without_tls_every_mode_but_disable_is_refused() {
    assert!(matches!(resolve(BASE).unwrap().get_ssl_mode(), PgSslMode::Disable));
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        refused(&format!("{BASE} sslmode={mode}"), "this build has no TLS");
    }
}

#[test]
fn parameters_from_pgoptions_are_not_sent_twice() {
    let environment = Environment::empty().with_variables([("PGOPTIONS", "--geqo=off  -cjit=off")]);
    let parameters = asked_in("search_path=app", &environment).parameters;
    let names =
        |said| remaining_parameters(&parameters, said).iter().map(|p| p.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(Some("--geqo=off  -cjit=off")), ["search_path"]);
    assert_eq!(names(Some("-c work_mem=1MB")), ["geqo", "jit", "search_path"]);
    assert_eq!(names(None), ["geqo", "jit", "search_path"]);
}
