//! Where settings come from, and which source wins.

use std::fs;

use crate::node::{Fixture, TIMEOUT, leads};

/// The nodes' rows.
async fn rows(fixture: &Fixture) -> Vec<String> {
    fixture
        .query(
            "SELECT election || ' ' || id || ' ' || CAST(priority AS text) || ' ' || COALESCE(address, '-') \
             FROM node_records ORDER BY election",
        )
        .await
}

#[tokio::test]
async fn a_flag_wins_over_the_environment_over_the_env_file_over_the_default() {
    let fixture = Fixture::fast().with("NODE_PRIORITY", "20").with("ELECTION", "from-environment");
    fs::write(
        fixture.path().join(".env"),
        "NODE_ID=from-file\nNODE_PRIORITY=10\nELECTION=from-file\nNODE_ADDRESS='http://here:80'\n",
    )
    .unwrap();
    let flag = fixture.start(&["--priority", "30", "--election", "from-flag"]);
    leads(&flag, 1).await;
    let environment = fixture.start(&["run"]);
    leads(&environment, 1).await;
    let fixture = fixture.without("NODE_PRIORITY").with("ELECTION", "with-file");
    let file = fixture.start(&[]);
    leads(&file, 1).await;
    fs::remove_file(fixture.path().join(".env")).unwrap();
    let fixture = fixture.without("ELECTION");
    let default = fixture.start(&["--node-id", "plain", "--priority=-5"]);
    leads(&default, 1).await;
    assert_eq!(
        rows(&fixture).await,
        [
            "default plain -5 -",
            "from-environment from-file 20 http://here:80",
            "from-flag from-file 30 http://here:80",
            "with-file from-file 10 http://here:80",
        ]
    );
}

#[tokio::test]
async fn timing_and_database_can_be_set_by_flags() {
    let fixture = Fixture::empty();
    let file = fixture.path().join("else where.db");
    let url = format!("sqlite:{}", file.display());
    let arguments = [
        "run",
        "--database-url",
        &url,
        "--node-id=n",
        "--heartbeat-interval=4000 ms",
        "--election-timeout=20s",
        "--node-timeout=1m",
    ];
    let node = fixture.start(&arguments);
    leads(&node, 1).await;
    node.wait_for_line("every 4s", TIMEOUT).await;
    let fixture = fixture.with("DATABASE_URL", &url);
    let leases = fixture.query("SELECT CAST(lease_ms AS text) FROM election_terms").await;
    assert_eq!(leases, ["16000"]);
    assert!(!fixture.path().join("leader-election.db").exists());
}

#[tokio::test]
async fn help_names_every_variable_and_shows_no_secret() {
    let fixture = Fixture::empty().with("DATABASE_URL", "postgres://me:wr0ng@host/db");
    for arguments in [&["--help"][..], &["run", "--help"]] {
        let (code, help) = fixture.run(arguments).await;
        assert_eq!(code, 0);
        for name in [
            "NODE_ID",
            "DATABASE_URL",
            "REQUIRE_DATABASE_URL",
            "NODE_PRIORITY",
            "ELECTION",
            "NODE_ADDRESS",
            "HEARTBEAT_INTERVAL",
            "ELECTION_TIMEOUT",
            "NODE_TIMEOUT",
            "AUTO_MIGRATE",
            "LOG_FORMAT",
            "RUST_LOG",
            "default: 5s",
            "default: 15s",
            "default: 30s",
        ] {
            assert!(help.contains(name), "{name} is not in:\n{help}");
        }
        assert!(!help.contains("wr0ng"), "{help}");
    }
    assert_eq!(fixture.run(&["--version"]).await, (0, "leader-election 0.1.0".to_owned()));
}
