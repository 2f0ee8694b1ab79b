//! The load that a node puts on its database.

use std::time::{Duration, Instant};

use testkit::{Database, Postgres, eventually};

use crate::support::{H, SOON, follows, leader_and_follower, leads, migrate, start};

const INTERVALS: u32 = 10;

async fn let_pass(span: Duration) {
    let start = Instant::now();
    eventually("the time has passed", SOON + span, async || start.elapsed() >= span).await;
}

fn calls(database: &Database<'_>, of: &str) -> i64 {
    let count = format!(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
         WHERE d.datname = current_database() AND query ~ '{of}'"
    );
    database.psql(&count).parse().unwrap()
}

#[tokio::test]
async fn an_idle_node_sends_at_most_two_statements_an_interval_however_many_nodes_there_are() {
    // A server of its own, so that the statements of other tests do not count.
    let server = Postgres::start();
    let database = server.database("idle_load");
    database.psql("CREATE EXTENSION pg_stat_statements");
    migrate(&database.url()).await;
    for nodes in [1_i64, 6] {
        let mut electors = vec![start(&database.url(), "node-0", 99).await];
        leads(&electors[0]).await;
        for node in 1..nodes {
            let elector = start(&database.url(), &format!("node-{node}"), 0).await;
            follows(&elector, "node-0").await;
            electors.push(elector);
        }
        // Lets the statements of joining pass; the two of the cleanup, every node timeout, are the leader's.
        let_pass(2 * H).await;
        database.psql("SELECT pg_stat_statements_reset()");
        let start = Instant::now();
        let_pass(INTERVALS * H).await;
        let sent = calls(&database, "node_records|election_terms");
        let heartbeats = calls(&database, "^UPDATE");
        let intervals = start.elapsed().as_secs_f64() / H.as_secs_f64();
        let cleanups = calls(&database, "^DELETE");

        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let allowed = nodes as f64 * 2.0 * (intervals + 1.0);
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let statements = (sent - cleanups) as f64;
        println!(
            "{nodes} nodes: {statements} statements in {intervals:.1} intervals, {heartbeats} heartbeats"
        );
        assert!(
            statements <= allowed,
            "{nodes} nodes sent {statements} statements in {intervals:.1} intervals"
        );
        assert!(heartbeats >= nodes * 5, "{nodes} nodes sent only {heartbeats} heartbeats");
        // Nothing else: no transactions around them, no settings, no pings that are statements.
        let others = calls(&database, ".") - sent - calls(&database, "pg_stat_statements");
        assert!(others <= nodes, "{others} other statements");
        for elector in electors {
            elector.stop().await.unwrap();
        }
    }
}

#[tokio::test]
async fn heartbeats_are_hot_updates() {
    let database = Postgres::shared().database("hot_heartbeats");
    migrate(&database.url()).await;
    let (one, two) = leader_and_follower(&database.url()).await;
    let updates = || {
        let row = database.psql(
            "SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'node_records'",
        );
        let (all, hot) = row.split_once(' ').unwrap();
        (all.parse::<i64>().unwrap(), hot.parse::<i64>().unwrap())
    };
    // Statistics arrive late. This waits for those of joining and electing.
    let_pass(4 * H).await;
    let (all, hot) = updates();
    eventually("thirty heartbeats are counted", SOON, async || updates().0 >= all + 30).await;
    let (all, hot) = (updates().0 - all, updates().1 - hot);
    // A version that another session still sees can keep a page full for a moment. An index would do so always.
    assert!(hot * 10 >= all * 8, "{hot} of {all} were HOT");
    one.stop().await.unwrap();
    two.stop().await.unwrap();
}
