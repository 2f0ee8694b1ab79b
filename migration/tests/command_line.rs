//! The stock migration command line, as a user runs it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use testkit::Postgres;

fn migration(dir: &Path, url: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migration"));
    command.args(arguments).current_dir(dir).env_remove("DATABASE_URL").env_remove("RUST_LOG");
    if let Some(url) = url {
        command.env("DATABASE_URL", url);
    }
    command.output().unwrap()
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_database_goes_up_and_down_and_fresh() {
    let dir = tempfile::tempdir().unwrap();
    let database = Postgres::shared().database("command_line");
    let run = |arguments: &[&str]| {
        let output = migration(dir.path(), Some(&database.url()), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text_of(&output));
        text_of(&output)
    };
    database.psql("CREATE TABLE app_things (n int)");
    assert!(run(&["status"]).contains("m20260101_000001_create_node_records'... Pending"));
    assert_eq!(database.psql("SELECT to_regclass('leader_election_migrations') IS NULL"), "t");
    assert!(run(&["up"]).contains("m20260101_000002_create_election_terms' has been applied"));
    assert!(run(&["status"]).contains("m20260101_000002_create_election_terms'... Applied"));
    run(&["fresh"]);
    run(&["down", "-n", "9"]);
    assert_eq!(database.psql("SELECT to_regclass('node_records') IS NULL"), "t");
    assert_eq!(database.psql("SELECT count(*) FROM app_things"), "0");
}

#[test]
fn a_sqlite_file_is_named_as_a_url() {
    let dir = tempfile::tempdir().unwrap();
    let output = migration(dir.path(), Some("sqlite://some.db?mode=rwc"), &["up"]);
    assert!(output.status.success(), "{}", text_of(&output));
    assert!(dir.path().join("some.db").exists());
}

#[test]
fn the_url_is_read_from_an_env_file() {
    let dir = tempfile::tempdir().unwrap();
    let database = Postgres::shared().database("command_line");
    fs::write(dir.path().join(".env"), format!("DATABASE_URL=\"{}\"\n", database.url())).unwrap();
    let output = migration(dir.path(), None, &["up"]);
    assert!(output.status.success(), "{}", text_of(&output));
    assert_eq!(database.psql("SELECT to_regclass('node_records') IS NOT NULL"), "t");
}

#[test]
fn the_tables_are_created_in_the_schema_that_database_schema_names() {
    let dir = tempfile::tempdir().unwrap();
    let database = Postgres::shared().database("command_line");
    database.psql("CREATE SCHEMA election");
    let output = migration(dir.path(), Some(&database.url()), &["--database-schema", "election", "up"]);
    assert!(output.status.success(), "{}", text_of(&output));
    assert_eq!(database.psql("SELECT count(*) FROM election.node_records"), "0");
}

#[test]
fn a_failure_ends_with_an_exit_code_and_never_shows_the_password() {
    let dir = tempfile::tempdir().unwrap();
    let server = Postgres::shared();
    let wrong_password = server.url().replace("s3cret", "wr0ng");
    for url in [
        "mysql://root:wr0ng@localhost/db",
        "host=127.0.0.1 password=wr0ng user=postgres",
        &wrong_password,
        "",
    ] {
        let output = migration(dir.path(), Some(url), &["up"]);
        let message = text_of(&output);
        assert!(!output.status.success(), "{url}: {message}");
        assert!(!message.contains("wr0ng"), "{message}");
    }
    let database = server.database("command_line");
    database.psql("CREATE TABLE node_records (mine text)");
    let output = migration(dir.path(), Some(&database.url()), &["up"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text_of(&output).contains("already exists"), "{}", text_of(&output));
}

#[test]
fn a_keyword_string_is_refused_with_the_command_that_accepts_it() {
    let dir = tempfile::tempdir().unwrap();
    let output = migration(dir.path(), Some("host=localhost user=postgres dbname=app"), &["up"]);
    assert!(!output.status.success());
    assert!(text_of(&output).contains("`leader-election migrate up`"), "{}", text_of(&output));
}
