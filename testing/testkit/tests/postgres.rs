//! The server is real and private, starts fast, and ends with the test.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Postgres, Process, StopMode, eventually};

fn ended(pid: u32) -> bool {
    // A zombie has ended.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z")) || !runs(pid)
}

fn runs(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

/// Connects by TCP: psql parses URLs and keyword strings itself.
fn psql_through(server: &Postgres, dsn: &str) -> Result<String, String> {
    let output = Command::new(server.bin_dir().join("psql"))
        .args(["--no-psqlrc", "-At", "-c", "SELECT 40 + 2", dsn])
        .env("PGCONNECT_TIMEOUT", "2")
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().trim().to_owned();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn a_server_starts_well_within_a_second_once_there_is_a_template() {
    drop(Postgres::start());
    let start = Instant::now();
    let server = Postgres::start();
    let took = start.elapsed();
    println!("started in {took:?}");
    assert_eq!(server.psql("SELECT 40 + 2"), "42");
    assert!(took < Duration::from_secs(3), "took {took:?}");
}

#[test]
fn a_dropped_server_is_gone_with_its_files() {
    let server = Postgres::start();
    let (pid, dir) = (server.pid().unwrap(), server.socket_dir().to_owned());
    assert!(runs(pid) && dir.exists());
    drop(server);
    assert!(ended(pid));
    assert!(!dir.exists());
}

#[test]
fn both_forms_of_the_connection_string_lead_to_the_server_and_the_password_is_checked() {
    let server = Postgres::shared();
    assert_eq!(psql_through(server, &server.url()).as_deref(), Ok("42"));
    assert_eq!(psql_through(server, &server.keyword_dsn()).as_deref(), Ok("42"));
    let wrong = format!("postgres://postgres:wrong@127.0.0.1:{}/postgres", server.port());
    assert!(psql_through(server, &wrong).unwrap_err().contains("password authentication failed"));
}

#[test]
fn databases_of_a_shared_server_are_separate() {
    let one = Postgres::shared().database("apart");
    let two = Postgres::shared().database("apart");
    one.psql("CREATE TABLE here (n int)");
    assert_ne!(one.name(), two.name());
    assert_eq!(two.psql("SELECT to_regclass('here') IS NULL"), "t");
    assert!(two.try_psql("SELECT * FROM here").unwrap_err().contains("does not exist"));
    assert_eq!(psql_through(one.server(), &one.url()).as_deref(), Ok("42"));
}

#[test]
fn the_default_collation_is_linguistic_if_the_server_has_icu() {
    let server = Postgres::shared();
    if server.psql("SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i'") == "t" {
        assert_eq!(server.psql("SELECT 'b' < 'C'"), "t");
    }
}

#[test]
fn statements_can_be_counted() {
    let database = Postgres::shared().database("statements");
    database.psql("CREATE EXTENSION pg_stat_statements");
    assert_ne!(database.psql("SELECT count(*) FROM pg_stat_statements"), "0");
}

#[test]
fn a_restart_keeps_data_and_port() {
    let mut server = Postgres::start();
    let port = server.port();
    server.psql("CREATE TABLE kept AS SELECT 7 AS n");
    server.restart();
    assert_eq!(server.port(), port);
    assert_eq!(server.psql("SELECT n FROM kept"), "7");
}

#[test]
fn committed_data_survives_an_immediate_stop() {
    let mut server = Postgres::start();
    server.psql("CREATE TABLE kept (n int)");
    server.psql("INSERT INTO kept VALUES (1)");
    server.stop(StopMode::Immediate);
    assert_eq!(server.pid(), None);
    assert!(server.try_psql_in("postgres", "SELECT 1").is_err());
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
    server.start_again();
    assert_eq!(server.psql("SELECT n FROM kept"), "1");
    assert!(server.log().contains("was not properly shut down"), "{}", server.log());
}

#[tokio::test]
async fn a_frozen_server_answers_when_it_is_thawed() {
    let server = Postgres::start();
    server.freeze();
    let psql = server.bin_dir().join("psql");
    let url = server.url();
    let query = Process::spawn(psql, ["-At", "-c", "SELECT 'answered'", &url], [("PGCONNECT_TIMEOUT", "60")]);
    // There is no condition to wait for: nothing may come.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(query.lines(), Vec::<String>::new());
    server.thaw();
    query.wait_for_line("answered", Duration::from_secs(10)).await;
    assert_eq!(query.wait_exit(Duration::from_secs(10)).await, 0);
}

#[test]
fn a_frozen_server_can_be_stopped_and_dropped() {
    let mut server = Postgres::start();
    server.freeze();
    server.stop(StopMode::Fast);
    server.start_again();
    server.freeze();
    let pid = server.pid().unwrap();
    drop(server);
    assert!(ended(pid));
}

/// The part of the test that is killed: it has two servers, one of them frozen, and never ends.
fn wait_to_be_killed() {
    let server = Postgres::start();
    let frozen = Postgres::start();
    frozen.freeze();
    for server in [&server, &frozen] {
        println!("SERVER {} {}", server.pid().unwrap(), server.socket_dir().display());
    }
    println!("READY");
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn a_server_does_not_outlive_a_killed_test() {
    const ROLE: &str = "TESTKIT_WAIT_TO_BE_KILLED";
    if std::env::var_os(ROLE).is_some() {
        wait_to_be_killed();
    }
    let arguments = ["--exact", "--nocapture", "a_server_does_not_outlive_a_killed_test"];
    let test = Process::spawn(std::env::current_exe().unwrap(), arguments, [(ROLE, "1")]);
    test.wait_for_line("READY", Duration::from_secs(60)).await;
    let lines = test.lines();
    let servers: Vec<(u32, PathBuf)> = lines
        .iter()
        .filter_map(|line| {
            let mut words = line[line.find("SERVER ")?..].split(' ').skip(1);
            Some((words.next()?.parse().ok()?, PathBuf::from(words.next()?)))
        })
        .collect();
    assert_eq!(servers.len(), 2, "{lines:?}");
    assert!(servers.iter().all(|(pid, dir)| runs(*pid) && dir.exists()));

    test.signal(testkit::Signal::KILL);
    eventually("both servers to be gone", Duration::from_secs(20), async || {
        servers.iter().all(|(pid, dir)| ended(*pid) && !dir.exists())
    })
    .await;
}
