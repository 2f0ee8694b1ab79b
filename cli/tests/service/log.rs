//! The log: its format, and what is in it.

use serde_json::Value;
use testkit::{Postgres, Signal, eventually};

use crate::node::{Fixture, TIMEOUT, follows, leads, stop};

fn parsed(lines: &[String]) -> Vec<Value> {
    let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    lines.iter().map(parse).collect()
}

#[tokio::test]
async fn a_json_log_is_json_in_every_line_and_names_election_node_and_term() {
    let database = Postgres::shared().database("json");
    let fixture = Fixture::on(&database.url()).with("LOG_FORMAT", "json").with("ELECTION", "shop");
    let leader = fixture.node("node-1", 100);
    leads(&leader, 1).await;
    let follower = fixture.node("node-2", 50);
    follows(&follower, "node-1", 1).await;
    stop(&leader).await;
    leads(&follower, 2).await;
    let newer = fixture.node("node-2", 50);
    newer.wait_for_line("belongs to the current leader", TIMEOUT).await;
    follower.signal(Signal::INT);
    assert_eq!(follower.wait_exit(TIMEOUT).await, 0);

    for (node, id) in [(&leader, "node-1"), (&follower, "node-2")] {
        let lines = parsed(&node.lines());
        let mut changes = 0;
        for line in &lines {
            let message = line["message"].as_str().unwrap();
            assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
            if ["leads (", "follows ", "lost leadership of"].iter().any(|words| message.contains(words)) {
                changes += 1;
                assert_eq!((&line["election"], &line["node_id"]), (&"shop".into(), &id.into()), "{line}");
                assert!(line["term"].as_i64().is_some_and(|term| term == 1 || term == 2), "{line}");
            }
        }
        assert!(changes >= 2, "{}", node.output());
        assert_eq!((&lines[0]["node_id"], &lines[0]["election"]), (&id.into(), &"shop".into()));
    }
}

#[tokio::test]
async fn the_error_that_ends_a_node_is_json_too() {
    let server = Postgres::shared();
    let fixture = Fixture::on(&server.url().replace("s3cret", "wr0ng")).with("LOG_FORMAT", "json");
    let (code, output) = fixture.run(&[]).await;
    let lines = parsed(&[output]);
    assert_eq!((code, &lines[0]["level"]), (69, &"ERROR".into()));
    assert!(lines[0]["message"].as_str().unwrap().contains("refused the login"), "{}", lines[0]);

    let database = server.database("json_end");
    let fixture = Fixture::on(&database.url()).with("LOG_FORMAT", "json").with("AUTO_MIGRATE", "false");
    let (code, output) = fixture.run(&[]).await;
    let lines = parsed(&[output]);
    assert_eq!((code, &lines[0]["level"]), (78, &"ERROR".into()));
}

/// With longer timing than elsewhere: no heartbeat may be late, even on a busy machine.
#[tokio::test]
async fn nothing_is_logged_while_nothing_changes() {
    let database = Postgres::shared().database("calm");
    let fixture = Fixture::on(&database.url())
        .with("HEARTBEAT_INTERVAL", "1s")
        .with("ELECTION_TIMEOUT", "5s")
        .with("NODE_TIMEOUT", "10s");
    let first = fixture.node("node-1", 3);
    leads(&first, 1).await;
    let nodes = [first, fixture.node("node-2", 2), fixture.node("node-3", 1)];
    follows(&nodes[1], "node-1", 1).await;
    follows(&nodes[2], "node-1", 1).await;
    let lowest_seq = async || {
        let seqs = fixture.query("SELECT CAST(heartbeat_seq AS text) FROM node_records").await;
        seqs.iter().map(|seq| seq.parse::<i64>().unwrap()).min().unwrap()
    };
    let mut output = Vec::new();
    for attempt in 1.. {
        let before = nodes.each_ref().map(|node| node.lines().len());
        let start = lowest_seq().await;
        eventually("nine heartbeats of every node", TIMEOUT, async || lowest_seq().await >= start + 9).await;
        output = nodes.iter().zip(before).flat_map(|(node, before)| node.lines().split_off(before)).collect();
        // Try again if the machine was so busy that the database did not answer in time.
        if attempt == 3 || !output.iter().any(|line| line.contains("no answer within")) {
            break;
        }
    }
    assert!(output.is_empty(), "{}", output.join("\n"));
}

#[tokio::test]
async fn text_lines_repeat_no_fields_and_have_no_colours_in_a_pipe() {
    let fixture = Fixture::fast();
    let node = fixture.node("solo", 7);
    leads(&node, 1).await;
    stop(&node).await;
    for line in node.lines() {
        let repeated = ["election=", "node_id=", "term=", "priority=", "\u{1b}"];
        assert!(!repeated.iter().any(|field| line.contains(field)), "{line}");
        assert!(line.len() < 180, "{line}");
    }
}
