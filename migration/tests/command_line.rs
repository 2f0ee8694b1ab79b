//! The migration command line, as one runs it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use testkit::Postgres;

fn migration(dir: &Path, url: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_migration"));
    command.args(arguments).current_dir(dir).env_remove("DATABASE_URL").env_remove("RUST_LOG");
    if let Some(url) = url {
        command.env("DATABASE_URL", url);
    }
    command.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn everything(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output))
}

#[test]
fn a_database_goes_up_and_down_and_is_made_fresh() {
    let dir = tempfile::tempdir().unwrap();
    let database = Postgres::shared().database("command_line");
    let run = |arguments: &[&str]| {
        let output = migration(dir.path(), Some(&database.url()), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", everything(&output));
        everything(&output)
    };
    database.psql("CREATE TABLE app_things (n int)");
    assert!(run(&["status"]).contains("m20260101_000001_create_node_records'... Pending"));
    assert_eq!(database.psql("SELECT to_regclass('leader_election_migrations') IS NULL"), "t");
    assert!(run(&["up"]).contains("m20260101_000002_create_election_terms' has been applied"));
    assert!(run(&["status"]).contains("m20260101_000002_create_election_terms'... Applied"));
    run(&["fresh"]);
    run(&["down", "-n", "2"]);
    assert_eq!(database.psql("SELECT to_regclass('node_records') IS NULL"), "t");
    assert_eq!(database.psql("SELECT count(*) FROM app_things"), "0");
}

#[test]
fn without_a_url_it_says_which_file_it_takes() {
    let dir = tempfile::tempdir().unwrap();
    let output = migration(dir.path(), None, &["up"]);
    assert!(output.status.success(), "{}", everything(&output));
    assert!(stderr(&output).contains("DATABASE_URL is not set: using sqlite://leader-election.db"));
    assert!(dir.path().join("leader-election.db").exists());
}

#[test]
fn the_url_is_read_from_an_env_file() {
    let dir = tempfile::tempdir().unwrap();
    let database = Postgres::shared().database("command_line");
    fs::write(dir.path().join(".env"), format!("DATABASE_URL=\"{}\"\n", database.url())).unwrap();
    let output = migration(dir.path(), None, &["up"]);
    assert!(output.status.success(), "{}", everything(&output));
    assert_eq!(database.psql("SELECT count(*) FROM leader_election_migrations"), "2");
}

#[test]
fn what_cannot_be_done_is_said_in_one_line_without_the_password() {
    let dir = tempfile::tempdir().unwrap();
    let server = Postgres::shared();
    let wrong_password = server.url().replace("s3cret", "wr0ng");
    let nobody_there = format!("postgres://postgres:wr0ng@127.0.0.1:1/{}", "postgres");
    for (url, code) in [
        ("mysql://root:wr0ng@localhost/db", 2),
        ("what is this wr0ng", 2),
        ("", 2),
        (&wrong_password, 69),
        (&nobody_there, 69),
    ] {
        let output = migration(dir.path(), Some(url), &["up"]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{url}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(message.starts_with("error: ") && !message.contains("wr0ng"), "{message}");
    }
    let database = server.database("command_line");
    database.psql("CREATE TABLE node_records (mine text)");
    let output = migration(dir.path(), Some(&database.url()), &["up"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("already exists") && stderr(&output).lines().count() == 1);
}

#[test]
fn a_line_of_the_env_file_that_cannot_be_read_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(".env"), "DATABASE_URL=host=localhost password=wr0ng user=postgres\n").unwrap();
    let output = migration(dir.path(), None, &["status"]);
    assert_eq!(output.status.code(), Some(2), "{}", everything(&output));
    assert!(!everything(&output).contains("wr0ng"), "{}", everything(&output));
    assert!(!dir.path().join("leader-election.db").exists());
}

#[test]
fn help_tells_the_truth_about_fresh_and_shows_no_url() {
    let dir = tempfile::tempdir().unwrap();
    let output = migration(dir.path(), Some("postgres://u:wr0ng@h/d"), &["--help"]);
    let help = everything(&output);
    assert!(help.contains("Drop the election's own tables") && !help.contains("Drop all tables"), "{help}");
    assert!(!help.contains("wr0ng"));
    assert_eq!(migration(dir.path(), None, &["sideways"]).status.code(), Some(2));
}
