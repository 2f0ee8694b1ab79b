//! Who creates the tables.

use testkit::{Postgres, Process, eventually};

use crate::node::{Fixture, TIMEOUT, leads, stop};

const STEPS: [&str; 3] = [
    "m20260101_000001_create_node_records",
    "m20260101_000002_create_election_terms",
    "m20260101_000003_end_reason_as_text",
];

/// An empty database of each kind, with the default timing.
fn both_kinds(name: &str) -> [Fixture; 2] {
    let database = Postgres::shared().database(name);
    let fixture = Fixture::empty();
    let file = format!("sqlite:{}", fixture.path().join("own.db").display());
    [fixture.with("DATABASE_URL", &file), Fixture::slow_on(&database.url())]
}

#[tokio::test]
async fn without_auto_migrate_the_error_names_the_command_that_creates_the_tables() {
    for fixture in both_kinds("no_auto_migrate") {
        let fixture = fixture.with("AUTO_MIGRATE", "false");
        let (code, output) = fixture.run(&["run", "--node-id", "solo"]).await;
        assert_eq!((code, output.lines().count()), (78, 1), "{output}");
        assert!(output.contains("`leader-election migrate up`"), "{output}");
        let (code, output) = fixture.run(&["migrate", "up"]).await;
        assert_eq!((code, output.as_str()), (0, "the schema is up to date"));
        let node = fixture.node("solo", 0);
        leads(&node, 1).await;
        stop(&node).await;
    }
}

#[tokio::test]
async fn five_nodes_that_start_at_once_on_an_empty_database_all_join() {
    for fixture in both_kinds("five_at_once") {
        let ids = ["a", "b", "c", "d", "e"];
        let nodes = ids.map(|id| fixture.node(id, 0));
        let up =
            |node: &Process| node.output().contains(" leads (term ") || node.output().contains(" follows ");
        eventually("all five to lead or to follow", TIMEOUT, async || nodes.iter().all(up)).await;
        assert_eq!(fixture.ids().await, ids);
        for node in &nodes {
            assert_eq!(node.exit_code(), None, "{}", node.output());
        }
    }
}

#[tokio::test]
async fn the_schema_goes_up_and_down_and_fresh() {
    for fixture in both_kinds("migrate") {
        let run = async |arguments: &[&str]| {
            let (code, output) = fixture.run(arguments).await;
            assert_eq!(code, 0, "{arguments:?}: {output}");
            output
        };
        let status = async |states: [&str; 3]| {
            let output = run(&["migrate", "status"]).await;
            let expected = [0, 1, 2].map(|at| format!("{}  {}", states[at], STEPS[at]));
            assert_eq!(output.lines().collect::<Vec<_>>(), expected);
        };
        status(["Pending", "Pending", "Pending"]).await;
        run(&["migrate", "up"]).await;
        status(["Applied", "Applied", "Applied"]).await;
        assert_eq!(run(&["migrate", "up"]).await, "the schema is up to date");
        assert!(run(&["migrate", "down"]).await.contains("rolled back"));
        status(["Applied", "Applied", "Pending"]).await;
        run(&["migrate", "up"]).await;
        let node = fixture.node("solo", 0);
        leads(&node, 1).await;
        stop(&node).await;
        assert_eq!(fixture.terms().await.len(), 1);
        run(&["migrate", "fresh"]).await;
        assert_eq!(fixture.terms().await.len(), 0);
        run(&["migrate", "down", "-n", "3"]).await;
        status(["Pending", "Pending", "Pending"]).await;
    }
}

#[tokio::test]
async fn a_node_runs_on_the_printed_schema() {
    let server = Postgres::shared();
    let database = server.database("plain_sql");
    let fixture = Fixture::on(&database.url()).with("AUTO_MIGRATE", "false");
    let (code, sql) = fixture.run(&["migrate", "sql"]).await;
    assert_eq!(code, 0, "{sql}");
    database.psql(&sql);
    let node = fixture.node("solo", 0);
    leads(&node, 1).await;
    stop(&node).await;

    // It connects to nothing, and creates no file.
    let fixture = Fixture::empty();
    let (code, sql) = fixture.run(&["migrate", "sql"]).await;
    assert_eq!(code, 0, "{sql}");
    assert!(sql.contains("BEGIN IMMEDIATE;") && sql.contains("CREATE TABLE"), "{sql}");
    assert_eq!(std::fs::read_dir(fixture.path()).unwrap().count(), 0);
    let (code, sql) = Fixture::on("postgres://nobody@127.0.0.1:1/none").run(&["migrate", "sql"]).await;
    assert!(code == 0 && sql.contains("clock_timestamp()") && !sql.contains("IMMEDIATE"), "{sql}");
}

#[tokio::test]
async fn migrate_names_the_default_file_when_no_database_is_given() {
    let fixture = Fixture::empty();
    let (code, output) = fixture.run(&["migrate", "up"]).await;
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("DATABASE_URL is not set: using sqlite ./leader-election.db"), "{output}");
}
