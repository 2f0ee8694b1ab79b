use super::*;

fn with(variables: &[(&str, &str)]) -> Environment {
    Environment::empty().with_variables(variables.iter().copied())
}

#[test]
fn the_environment_supplies_unset_settings_by_the_same_rules() {
    let variables = with(&[
        ("PGHOST", "db"),
        ("PGUSER", "me"),
        ("PGDATABASE", "shop"),
        ("PGPORT", "5433"),
        ("PGAPPNAME", ""),
    ]);
    let postgres = parse_with("port=5434 password=s3cret", &variables).unwrap();
    assert_eq!(postgres.location(), "postgres://me@db:5434/shop");
    assert_eq!(postgres.application_name, None);
    assert_eq!(parse_with("postgres://", &variables).unwrap().location(), "postgres://me@db:5433/shop");
    assert_eq!(parse_with("user=''", &variables).unwrap().location(), "postgres://me@db:5433/shop");

    for (variable, value, expected) in [
        ("PGSSLMODE", "on", "the environment variable `PGSSLMODE` `on` is not one of"),
        ("PGSERVICE", "x", "the environment variable `PGSERVICE` cannot be honoured"),
        ("PGGSSENCMODE", "require", "the environment variable `PGGSSENCMODE` cannot be honoured"),
        ("PGPORT", "x", "the environment variable `PGPORT` is not a number"),
        ("PGPASSWORD", "hunter2\0", "zero byte"),
        ("PGOPTIONS", "-B 10", "the environment variable `PGOPTIONS` cannot be honoured"),
    ] {
        let message = parse_with("user=me", &with(&[(variable, value)])).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn a_setting_knows_the_variable_it_came_from() {
    let postgres = parse_with("port=1", &with(&[("PGHOST", "a,b"), ("PGPORT", "2")])).unwrap();
    assert_eq!(postgres.origins.setting("host").to_string(), "the environment variable `PGHOST`");
    assert_eq!(postgres.origins.setting("port").to_string(), "keyword `port`");
    assert_eq!(postgres.origins.setting("user").to_string(), "keyword `user`");
}

#[test]
fn the_password_and_the_password_file_come_from_the_environment() {
    let home = Environment::empty().with_home("/home/me");
    assert_eq!(parse_with("host=db", &home).unwrap().passfile, Some("/home/me/.pgpass".into()));
    let named = home.clone().with_variables([("PGPASSFILE", "/secrets")]);
    assert_eq!(parse_with("host=db", &named).unwrap().passfile, Some("/secrets".into()));
    assert_eq!(parse_with("passfile=/mine", &named).unwrap().passfile, Some("/mine".into()));
    let password = parse_with("host=db", &with(&[("PGPASSWORD", "hunter2")])).unwrap().password;
    assert_eq!(password.unwrap().expose(), "hunter2");
}

#[test]
fn the_operating_systems_user_logs_in_if_no_user_is_given() {
    let environment = Environment::empty().with_user("os");
    assert_eq!(parse_with("host=db", &environment).unwrap().location(), "postgres://os@db:5432/os");
    let environment = environment.with_variables([("PGUSER", "pg")]);
    assert_eq!(parse_with("host=db", &environment).unwrap().location(), "postgres://pg@db:5432/pg");
    assert_eq!(parse_with("host=db user=me", &environment).unwrap().location(), "postgres://me@db:5432/me");
    assert_eq!(parse_with("postgres://db", &Environment::empty().with_user("")).unwrap().user, None);
}

#[test]
fn an_environments_debug_shows_no_value_of_a_variable() {
    let shown = format!("{:?}", with(&[("PGPASSWORD", "hunter2")]));
    assert!(shown.contains("PGPASSWORD") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_variables_are_libpqs() {
    let variables: Vec<_> = crate::variables().collect();
    assert!(variables.contains(&"PGPASSWORD") && variables.iter().all(|name| name.starts_with("PG")));
}
