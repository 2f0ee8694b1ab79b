//! Frozen and partitioned processes: the observers' reports show whether there were ever two leaders.

use std::time::Duration;

use testkit::{Postgres, Proxy, Signal, eventually};

use crate::observer::{Observer, TIMES, assert_one_leader_at_a_time};
use crate::support::{SOON, migrate};

/// The paused leader writes `status = leader` unconditionally when it resumes, and there are two leaders for ever.
#[tokio::test]
async fn fault_3_a_leader_paused_for_longer_than_the_timeout_does_not_come_back_as_one() {
    let database = Postgres::shared().database("fault_3");
    migrate(&database.url()).await;
    let paused = Observer::spawn(&database.url(), "node-1", 9, TIMES);
    paused.leads().await;
    let other = Observer::spawn(&database.url(), "node-2", 0, TIMES);
    eventually("node-2 has joined", SOON, async || database.psql("SELECT count(*) FROM node_records") == "2")
        .await;

    paused.0.signal(Signal::STOP);
    other.leads().await;
    paused.0.signal(Signal::CONT);
    // Its first answer after the pause, from inside: the clock alone has ended the lease.
    let gap = paused.0.wait_for_line("gap ", SOON).await;
    assert!(gap.ends_with(" false"), "{gap}");
    eventually("node-1 follows again", SOON, async || {
        database.psql("SELECT status FROM node_records WHERE id = 'node-1'") == "follower"
    })
    .await;
    assert_eq!(database.psql("SELECT count(*) FROM node_records WHERE status = 'leader'"), "1");
    assert_eq!(database.psql("SELECT leader_id FROM election_terms WHERE ended_at IS NULL"), "node-2");
    end_and_compare(&[paused, other]).await;
}

/// Each node obeys the lease in the term's row, not its own settings.
#[tokio::test]
async fn a_slow_leader_among_hasty_followers_is_never_doubled() {
    let database = Postgres::shared().database("mixed_times");
    migrate(&database.url()).await;
    let proxy = Proxy::start(Postgres::shared().port());
    let slow = Observer::spawn(&proxy.through(&database.url()), "node-1", 9, ["1500", "6000", "12000"]);
    slow.leads().await;
    let hasty =
        ["node-2", "node-3"].map(|id| Observer::spawn(&database.url(), id, 0, ["330", "1000", "2000"]));
    eventually("all have joined", SOON, async || database.psql("SELECT count(*) FROM node_records") == "3")
        .await;

    // Frozen and partitioned for less than its lease and for longer.
    for frozen in [800, 2500, 7000] {
        slow.0.signal(Signal::STOP);
        tokio::time::sleep(Duration::from_millis(frozen)).await;
        slow.0.signal(Signal::CONT);
        proxy.disconnect();
        tokio::time::sleep(Duration::from_millis(frozen / 2)).await;
        proxy.heal();
        proxy.stall();
        tokio::time::sleep(Duration::from_millis(frozen / 4)).await;
        proxy.heal();
        proxy.close_all();
    }
    eventually("a hasty node has led", SOON, async || {
        database.psql("SELECT count(*) FROM election_terms WHERE leader_id <> 'node-1'") != "0"
    })
    .await;
    // The slow node leads again only after the others have left.
    let [two, three] = hasty;
    end_and_compare(&[slow, two, three]).await;
}

/// No loop notifies the application: the clock alone answers its next question.
#[tokio::test]
async fn three_nodes_frozen_in_turn_are_never_two_leaders() {
    let database = Postgres::shared().database("frozen_in_turn");
    migrate(&database.url()).await;
    let nodes = ["node-1", "node-2", "node-3"].map(|id| Observer::spawn(&database.url(), id, 0, TIMES));
    eventually("there is a leader", SOON, async || !leader(&database).is_empty()).await;
    for round in 0..5 {
        eventually("there is a leader", SOON, async || !leader(&database).is_empty()).await;
        let Some(frozen) = leader(&database).strip_prefix("node-").and_then(|n| n.parse::<usize>().ok())
        else {
            continue;
        };
        let frozen = &nodes[frozen - 1];
        frozen.0.signal(Signal::STOP);
        tokio::time::sleep(Duration::from_millis([1200, 1800, 3000, 4400, 1400][round])).await;
        frozen.0.signal(Signal::CONT);
    }
    end_and_compare(&nodes).await;
}

fn leader(database: &testkit::Database<'_>) -> String {
    database.psql("SELECT leader_id FROM election_terms WHERE ended_at IS NULL")
}

async fn end_and_compare(observers: &[Observer]) {
    for observer in observers {
        observer.0.signal(Signal::TERM);
        assert_eq!(observer.0.wait_exit(SOON).await, 0, "{}", observer.0.output());
    }
    let intervals: Vec<_> = observers.iter().map(Observer::intervals).collect();
    assert!(
        intervals.iter().filter(|list| !list.is_empty()).count() >= 2,
        "only one of them ever led: {intervals:?}"
    );
    assert_one_leader_at_a_time(&intervals);
}
