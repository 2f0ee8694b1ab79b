//! A database that is not there, not yet there, or away for a while.

use std::time::{Duration, Instant};

use testkit::{Postgres, Signal, StopMode};

use crate::node::{Fixture, PATIENCE, follows, leads, stop};

#[tokio::test]
async fn a_node_waits_for_a_server_that_is_not_there_yet() {
    let mut server = Postgres::start();
    server.stop(StopMode::Fast);
    let fixture = Fixture::on(&server.url());
    let node = fixture.node("solo", 0);
    let line = node.wait_for_line("database unreachable at postgres://postgres@127.0.0.1", PATIENCE).await;
    assert!(line.contains("refused") && line.contains("trying"), "{line}");
    let stopped = fixture.node("stopped", 0);
    stopped.wait_for_line("database unreachable", PATIENCE).await;
    let start = Instant::now();
    stop(&stopped).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    server.start_again();
    leads(&node, 1).await;
    let complaints = node.lines().iter().filter(|line| line.contains("unreachable")).count();
    assert!(complaints <= 2, "{}", node.output());
}

#[tokio::test]
async fn a_node_waits_for_a_server_that_takes_connections_and_says_nothing() {
    let server = Postgres::start();
    server.freeze();
    let node = Fixture::on(&format!("{}?connect_timeout=2", server.url())).node("solo", 0);
    node.wait_for_line("no answer within 2s", PATIENCE).await;
    let start = Instant::now();
    node.signal(Signal::INT);
    assert_eq!(node.wait_exit(PATIENCE).await, 0, "{}", node.output());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn nodes_come_back_by_themselves_after_the_server_does() {
    let mut server = Postgres::start();
    let fixture = Fixture::on(&server.url());
    let leader = fixture.node("node-1", 100);
    leads(&leader, 1).await;
    let follower = fixture.node("node-2", 50);
    follows(&follower, "node-1", 1).await;

    server.stop(StopMode::Fast);
    let line = leader.wait_for_line("the lease still runs for", PATIENCE).await;
    assert!(line.contains("WARN"), "{line}");
    leader.wait_for_line("lost leadership of term 1", PATIENCE).await;
    server.start_again();
    leader.wait_for_line("database reachable again", PATIENCE).await;
    follower.wait_for_line("database reachable again", PATIENCE).await;
    // Whoever is the first to find the server stands for election: the other's row has not moved.
    let (leading, following, id) = tokio::select! {
        _ = leads(&leader, 2) => (&leader, &follower, "node-1"),
        _ = leads(&follower, 2) => (&follower, &leader, "node-2"),
    };
    follows(following, id, 2).await;
    assert_eq!((leading.exit_code(), following.exit_code()), (None, None));
    let warnings = following.lines().iter().filter(|line| line.contains("WARN")).count();
    assert!(warnings <= 4, "{}", following.output());
}

#[tokio::test]
async fn a_wrong_password_ends_the_node_with_a_clear_line() {
    let server = Postgres::shared();
    for arguments in [&["run"][..], &["migrate", "up"], &["migrate", "status"]] {
        let fixture = Fixture::on(&server.url().replace("s3cret", "wr0ng"));
        let (code, said) = fixture.run(arguments).await;
        assert_eq!(code, 69, "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert!(said.contains("refused the login: password authentication failed"), "{said}");
        assert!(
            said.contains(&format!("postgres://postgres@127.0.0.1:{}/postgres", server.port())),
            "{said}"
        );
        assert!(!said.contains("wr0ng") && !said.contains("p@ss"), "{said}");
    }
}

#[tokio::test]
async fn an_unreachable_host_and_a_missing_database_are_named() {
    let server = Postgres::shared();
    let nobody = "postgres://me:wr0ng@127.0.0.1:1/db".to_owned();
    let unknown = "host=no-such-host.invalid user=me password=wr0ng dbname=db".to_owned();
    let missing = server.url_of("nowhere");
    for (url, names) in [(nobody, "127.0.0.1:1"), (unknown, "no-such-host.invalid"), (missing, "\"nowhere\"")]
    {
        let fixture = Fixture::on(&url);
        let (code, said) = fixture.run(&["migrate", "up"]).await;
        assert_eq!((code, said.lines().count()), (69, 1), "{said}");
        assert!(said.starts_with("error: ") && said.contains(names), "{said}");
        // A node waits: somebody may be about to start the host, or to create the database.
        let node = fixture.node("solo", 0);
        let line = node.wait_for_line("trying", PATIENCE).await;
        assert!(line.contains(names), "{line}");
        stop(&node).await;
        assert!(!said.contains("wr0ng") && !node.output().contains("wr0ng"));
        assert!(!said.contains("s3cret") && !node.output().contains("s3cret"));
    }
}

#[tokio::test]
async fn a_database_that_is_created_late_is_found() {
    let server = Postgres::shared();
    let node = Fixture::on(&server.url_of("created_late")).node("solo", 0);
    node.wait_for_line("\"created_late\" does not exist", PATIENCE).await;
    server.create_database("created_late");
    leads(&node, 1).await;
}
