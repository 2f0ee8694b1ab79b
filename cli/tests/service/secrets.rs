//! No password in any output.

use testkit::{Postgres, Process};

use crate::node::{Fixture, TIMEOUT, follows, leads, stop};

/// Checks that no password, and no part of one, is in the output.
fn assert_no_secret(output: &str) {
    let password = Postgres::shared().password();
    assert!(output.len() > 50);
    for part in [password, "s3cret", "p%40ss", "wr0ng"] {
        let line = output.lines().find(|line| line.contains(part));
        assert_eq!(line, None);
    }
}

#[tokio::test]
async fn the_password_is_not_in_the_log_at_the_level_trace() {
    let database = Postgres::shared().database("secrets");
    for url in [database.url(), database.keyword_dsn()] {
        for format in ["text", "json"] {
            let fixture = Fixture::slow_on(&url)
                .with("RUST_LOG", "trace")
                .with("LOG_FORMAT", format)
                .with("ELECTION", format);
            let nodes: [Process; 2] = [fixture.node("node-1", 1), fixture.node("node-2", 0)];
            let leader = tokio::select! {
                _ = nodes[0].wait_for_line("node-1 leads (term", TIMEOUT) => 0,
                _ = nodes[1].wait_for_line("node-2 leads (term", TIMEOUT) => 1,
            };
            nodes[1 - leader].wait_for_line(" follows node-", TIMEOUT).await;
            for node in &nodes {
                stop(node).await;
                assert_no_secret(&node.output());
            }
        }
    }
}

#[tokio::test]
async fn a_refused_password_is_not_in_the_log_at_the_level_trace() {
    let server = Postgres::shared();
    for url in [server.url().replace("s3cret", "wr0ng"), server.keyword_dsn().replace("s3cret", "wr0ng")] {
        for arguments in [&["run"][..], &["migrate", "up"]] {
            let (code, output) = Fixture::on(&url).with("RUST_LOG", "trace").run(arguments).await;
            assert_eq!(code, 69);
            assert_no_secret(&output);
        }
    }
}

#[tokio::test]
async fn the_password_from_libpqs_variables_is_used_and_not_shown() {
    let server = Postgres::shared();
    let database = server.database("variables");
    let fixture = Fixture::on(&format!("host=127.0.0.1 port={} dbname={}", server.port(), database.name()))
        .with("PGUSER", "postgres")
        .with("PGPASSWORD", server.password())
        .with("RUST_LOG", "trace");
    let node = fixture.node("node-1", 0);
    leads(&node, 1).await;
    let other = fixture.node("node-2", 0);
    follows(&other, "node-1", 1).await;
    stop(&node).await;
    assert_no_secret(&node.output());
}
