//! Properties that hold for every text in a DATABASE_URL.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use conninfo::ConnInfo;
use conninfo::Environment;
use conninfo::ParseError;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// It is in no fragment, so a test finds it wherever it leaks.
const SECRET: &str = "hunter2hunter2";

/// The parts of connection strings, and characters that break them.
const FRAGMENTS: &[&str] = &[
    " ",
    "  ",
    "\t",
    "\n",
    "=",
    "'",
    "\\",
    "\"",
    ":",
    "/",
    "//",
    "@",
    ",",
    "?",
    "&",
    "[",
    "]",
    "[::1]",
    "::1",
    "%",
    "%4",
    "%41",
    "%2F",
    "%2C",
    "%00",
    "%ff",
    "%C3%A4",
    "ä",
    "\u{2003}",
    "\0",
    "+",
    "-",
    "-c ",
    "-c%20",
    "a",
    "b=c",
    "db",
    "host",
    "host=",
    "host=a,b ",
    "host=/tmp ",
    "hostaddr=",
    "10.0.0.1",
    "port=",
    "5432",
    "5433,5434",
    "0",
    "70000",
    "dbname=",
    "user=",
    "user=me ",
    "passfile=",
    "connect_timeout=",
    "application_name=",
    "options=",
    "options='-c geqo=off' ",
    "options=-c%20geqo%3Doff",
    "search_path=app ",
    "my.setting='x y' ",
    "sslmode=",
    "sslmode=require",
    "verify-full",
    "sslrootcert=system ",
    "sslcert=/c&sslkey=/k",
    "sslcert=/c sslkey=/k ",
    "channel_binding=require ",
    "target_session_attrs=any",
    "load_balance_hosts=random ",
    "statement_cache_capacity=3 ",
    "ssl=true",
    "service=x",
    "pasword=",
    "mode=rw",
    "mode=memory",
    ":memory:",
    "sqlite:",
    "postgres://",
    "postgresql://",
    "mysql://",
    ".db",
    "-1",
    "999999999999999999999",
];

const BEGINNINGS: &[&str] =
    &["", "", "postgres://", "postgresql://", "postgres://me@db/", "sqlite:", "host=db "];

/// A text of fragments and, now and then, random characters.
fn text() -> impl Strategy<Value = String> {
    let fragment = prop_oneof![
        9 => select(FRAGMENTS).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    vec(fragment, 0..12).prop_map(|fragments| fragments.concat())
}

fn connection_string() -> impl Strategy<Value = String> {
    (select(BEGINNINGS), text()).prop_map(|(beginning, rest)| format!("{beginning}{rest}"))
}

fn environment() -> impl Strategy<Value = Environment> {
    let names: Vec<_> = conninfo::variables().collect();
    let value = prop_oneof![
        text(),
        select(&["db", "5433", "me", "require", "/file", "-c geqo=off"][..]).prop_map(str::to_owned)
    ];
    (vec((select(names), value), 0..3), any::<bool>()).prop_map(|(variables, is_bare)| {
        let environment = Environment::empty().with_variables(variables);
        if is_bare { environment } else { environment.with_home("/home/me").with_user("os user") }
    })
}

fn without_password(mut asked: ConnInfo) -> ConnInfo {
    if let ConnInfo::Postgres(postgres) = &mut asked {
        postgres.password = None;
    }
    asked
}

/// Every representation that may reach a log.
fn shown(parsed: &Result<ConnInfo, ParseError>) -> Vec<String> {
    match parsed {
        Ok(asked) => vec![asked.to_string(), asked.location(), format!("{asked:?}"), format!("{asked:#?}")],
        Err(error) => vec![error.to_string(), format!("{error:?}")],
    }
}

fn parse(text: &str, environment: &Environment) -> Result<ConnInfo, ParseError> {
    ConnInfo::parse(text, environment)
}

/// Eight times the usual number of cases (or of `PROPTEST_CASES`): each is short.
fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: 8 * usual.cases, failure_persistence: None, ..usual }
}

#[test]
fn many_of_the_texts_are_accepted_and_many_refused() {
    let mut runner = TestRunner::deterministic();
    let accepted = (0..1000).filter(|_| {
        let text = connection_string().new_tree(&mut runner).unwrap().current();
        parse(&text, &Environment::empty()).is_ok()
    });
    let accepted = accepted.count();
    assert!((100..900).contains(&accepted), "{accepted} of 1000");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_accepted_text_is_shown_as_a_url_that_parses_to_the_same(text in connection_string(), environment in environment()) {
        if let Ok(asked) = parse(&text, &environment) {
            let url = asked.to_string();
            let again = parse(&url, &Environment::empty());
            prop_assert_eq!(again, Ok(without_password(asked.clone())), "{}", url);
            if let ConnInfo::Postgres(postgres) = &asked {
                let location = postgres.location();
                let again = parse(&location, &Environment::empty()).map(|asked| asked.location());
                prop_assert_eq!(again, Ok(location));
                prop_assert!(!postgres.hosts.is_empty());
                prop_assert!(postgres.hosts.iter().all(|host| host.port != 0));
            }
        }
    }

    #[test]
    fn any_text_is_accepted_or_refused_in_one_line(text in any::<String>(), environment in environment()) {
        for text in [text.clone(), format!("postgres://{text}"), format!("sqlite:{text}"), format!("host={text}")] {
            if let Err(error) = parse(&text, &environment) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn a_password_is_never_shown(inside in text(), after in text(), environment in environment()) {
        // A `?` in a password would begin the parameters.
        let (inside, behind) = (inside.replace('?', ""), after.replace('?', ""));
        let texts = [
            format!("password='{SECRET}' {after}"),
            format!("host=db password={SECRET}{after}"),
            format!("postgres://me:{SECRET}@{after}"),
            format!("postgres://me:{inside}{SECRET}{behind}@db/shop"),
            format!("postgres://db/?password={SECRET}{after}"),
        ];
        for text in texts {
            for shown in shown(&parse(&text, &environment)) {
                prop_assert!(!shown.contains(SECRET), "{} is shown as {}", text, shown);
            }
        }
        let environment = environment.with_variables([("PGPASSWORD", SECRET)]);
        let debug = format!("{environment:?}");
        prop_assert!(!debug.contains(SECRET));
        for shown in shown(&parse(&after, &environment)) {
            prop_assert!(!shown.contains(SECRET), "{}", shown);
        }
    }
}
