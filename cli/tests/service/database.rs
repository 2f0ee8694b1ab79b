//! A database that is unreachable: for ever, at the start, or for a while.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use testkit::{Postgres, Signal, StopMode};

use crate::node::{Fixture, TIMEOUT, follows, leads, stop};

#[tokio::test]
async fn a_node_waits_for_a_server_that_has_not_started_yet() {
    let mut server = Postgres::start();
    server.stop(StopMode::Fast);
    let fixture = Fixture::on(&server.url());
    let node = fixture.node("solo", 0);
    let line = node.wait_for_line("database unreachable at postgres://postgres@127.0.0.1", TIMEOUT).await;
    assert!(line.contains("refused") && line.contains("retrying"), "{line}");
    let stopped = fixture.node("stopped", 0);
    stopped.wait_for_line("database unreachable", TIMEOUT).await;
    let start = Instant::now();
    stop(&stopped).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());

    server.start_again();
    leads(&node, 1).await;
    let warnings = node.lines().iter().filter(|line| line.contains("unreachable")).count();
    assert!(warnings <= 2, "{}", node.output());
}

#[tokio::test]
async fn a_node_waits_for_a_server_that_accepts_connections_and_does_not_answer() {
    let server = Postgres::start();
    server.freeze();
    let node = Fixture::on(&format!("{}?connect_timeout=2", server.url())).node("solo", 0);
    node.wait_for_line("no answer within 2s", TIMEOUT).await;
    let start = Instant::now();
    node.signal(Signal::INT);
    assert_eq!(node.wait_exit(TIMEOUT).await, 0, "{}", node.output());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn nodes_recover_by_themselves_after_the_server_does() {
    let mut server = Postgres::start();
    let fixture = Fixture::on(&server.url());
    let leader = fixture.node("node-1", 100);
    leads(&leader, 1).await;
    let follower = fixture.node("node-2", 50);
    follows(&follower, "node-1", 1).await;

    server.stop(StopMode::Fast);
    let line = leader.wait_for_line("the lease still runs for", TIMEOUT).await;
    assert!(line.contains("WARN"), "{line}");
    leader.wait_for_line("lost leadership of term 1", TIMEOUT).await;
    server.start_again();
    leader.wait_for_line("database reachable again", TIMEOUT).await;
    follower.wait_for_line("database reachable again", TIMEOUT).await;
    // The first node to reach the server campaigns: the other's row has not moved.
    let (leading, following, id) = tokio::select! {
        _ = leads(&leader, 2) => (&leader, &follower, "node-1"),
        _ = leads(&follower, 2) => (&follower, &leader, "node-2"),
    };
    follows(following, id, 2).await;
    assert_eq!((leading.exit_code(), following.exit_code()), (None, None));
    // However often it tried: each reason is one line.
    let lines = following.lines();
    let reasons: Vec<_> = lines.iter().filter_map(|line| line.split_once("WARN")).collect();
    let distinct: HashSet<_> = reasons.iter().map(|(_, reason)| reason).collect();
    assert!(!reasons.is_empty(), "{}", following.output());
    assert_eq!(distinct.len(), reasons.len(), "{}", following.output());
}

#[tokio::test]
async fn a_wrong_password_ends_the_node_with_one_line_that_says_so() {
    let server = Postgres::shared();
    for arguments in [&["run"][..], &["migrate", "up"], &["migrate", "status"]] {
        let fixture = Fixture::on(&server.url().replace("s3cret", "wr0ng"));
        let (code, output) = fixture.run(arguments).await;
        assert_eq!(code, 69, "{output}");
        assert_eq!(output.lines().count(), 1, "{output}");
        assert!(output.contains("refused the login: password authentication failed"), "{output}");
        assert!(
            output.contains(&format!("postgres://postgres@127.0.0.1:{}/postgres", server.port())),
            "{output}"
        );
        assert!(!output.contains("wr0ng") && !output.contains("p@ss"), "{output}");
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
        let (code, output) = fixture.run(&["migrate", "up"]).await;
        assert_eq!((code, output.lines().count()), (69, 1), "{output}");
        assert!(output.starts_with("error: ") && output.contains(names), "{output}");
        // A node waits: the host may start later, and the database may be created later.
        let node = fixture.node("solo", 0);
        let line = node.wait_for_line("retrying", TIMEOUT).await;
        assert!(line.contains(names), "{line}");
        stop(&node).await;
        assert!(!output.contains("wr0ng") && !node.output().contains("wr0ng"));
        assert!(!output.contains("s3cret") && !node.output().contains("s3cret"));
    }
}

#[tokio::test]
async fn a_database_that_is_created_later_is_found() {
    let server = Postgres::shared();
    let node = Fixture::on(&server.url_of("created_late")).node("solo", 0);
    node.wait_for_line("\"created_late\" does not exist", TIMEOUT).await;
    server.create_database("created_late");
    leads(&node, 1).await;
}
