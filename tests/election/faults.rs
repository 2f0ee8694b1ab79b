//! Faults of similar designs. Each test shows that this design does not have one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use leader_election::{Elector, Role, RoleChange};
use testkit::{Postgres, eventually};
use tokio::sync::Mutex;

use crate::support::{H, N, SOON, T, config, follows, leads, migrate, start, start_with};

/// Followers that never send a heartbeat are deleted after a while, and then no node can be elected.
#[tokio::test]
async fn fault_1_followers_outlive_a_long_calm_and_can_still_be_elected() {
    let database = Postgres::shared().database("fault_1");
    migrate(&database.url()).await;
    let one = start(&database.url(), "node-1", 2).await;
    leads(&one).await;
    let two = start(&database.url(), "node-2", 1).await;
    let three = start(&database.url(), "node-3", 0).await;
    follows(&two, "node-1").await;
    follows(&three, "node-1").await;

    let calm = std::time::Instant::now();
    eventually("more than 3 x node timeout has passed", SOON, async || {
        assert!(one.is_leader(), "the leadership was lost");
        calm.elapsed() > 3 * N + H
    })
    .await;
    assert_eq!(database.psql("SELECT count(*) FROM node_records"), "3");
    assert_eq!(database.psql("SELECT count(*) FROM election_terms"), "1");

    one.stop().await.unwrap();
    leads(&two).await;
    follows(&three, "node-2").await;
    two.stop().await.unwrap();
    leads(&three).await;
    three.stop().await.unwrap();
}

/// A stopped node's row still counts as live and wins elections without a process.
#[tokio::test]
async fn fault_2_a_graceful_stop_leaves_no_row_that_could_win() {
    let database = Postgres::shared().database("fault_2");
    migrate(&database.url()).await;
    let best = start(&database.url(), "node-1", 100).await;
    leads(&best).await;
    let other = start(&database.url(), "node-2", 1).await;
    follows(&other, "node-1").await;

    let stopping = std::time::Instant::now();
    best.stop().await.unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM node_records WHERE id = 'node-1'"), "0");
    leads(&other).await;
    // Far below the time in which a crash is noticed: no node waited for the stopped one.
    assert!(stopping.elapsed() < T - H, "it took {:?}", stopping.elapsed());
    assert_eq!(database.psql("SELECT end_reason FROM election_terms WHERE term = 1"), "resigned");
    other.stop().await.unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM node_records"), "0");
}

// Fault 3, the paused leader that resumes, needs a process that can be frozen: see `freezing`.

/// A stored flag says "leader" while the database is down, and after the stop.
#[tokio::test]
async fn fault_4_leadership_ends_by_the_clock_when_the_database_is_gone_and_with_the_stop() {
    let mut server = Postgres::start();
    migrate(&server.url()).await;
    let elector = start(&server.url(), "node-1", 0).await;
    leads(&elector).await;
    let first = elector.term().unwrap();

    server.freeze();
    eventually("the lease runs out", SOON, async || !elector.is_leader()).await;
    assert_eq!(elector.term(), None);
    assert_eq!(elector.status().role, Role::Follower);
    server.thaw();
    leads(&elector).await;
    assert!(elector.term().unwrap() > first);

    server.stop(testkit::StopMode::Immediate);
    eventually("the lease runs out", SOON, async || !elector.is_leader()).await;
    server.start_again();
    leads(&elector).await;

    elector.stop().await.unwrap();
    assert!(!elector.is_leader());
    assert_eq!(elector.term(), None);
}

/// Terms are counted in the process: two leaders share a term, and a restart goes back.
#[tokio::test]
async fn fault_5_no_two_leaderships_share_a_term_and_no_restart_goes_back() {
    let database = Postgres::shared().database("fault_5");
    migrate(&database.url()).await;
    let mut seen = Vec::new();
    for round in 0..6 {
        let elector = start(&database.url(), if round % 2 == 0 { "node-1" } else { "node-2" }, 0).await;
        leads(&elector).await;
        seen.push(elector.term().unwrap());
        elector.stop().await.unwrap();
        // Not even after every node row was deleted.
        database.psql("DELETE FROM node_records");
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    assert_eq!(database.psql("SELECT count(DISTINCT term) FROM election_terms"), "6");
}

/// Callbacks inside the transaction see changes that may be rolled back, and hold it open.
#[tokio::test]
async fn fault_6_hooks_run_after_the_commit_and_delay_no_heartbeat() {
    let database = Postgres::shared().database("fault_6");
    let url = database.url();
    migrate(&url).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let hear = |told: &Arc<Mutex<Vec<String>>>, url: &str| {
        let (told, url) = (Arc::clone(told), url.to_owned());
        move |change: RoleChange| {
            let (told, url) = (Arc::clone(&told), url.clone());
            async move {
                // Another connection sees the term, so it is committed.
                let reader = Elector::connect(&url, crate::support::config("reader", 0)).await.unwrap();
                let leader = reader.leader().await.unwrap().map(|leader| leader.term.get());
                told.lock().await.push(format!("{} {} {leader:?}", change.role, change.term));
                if change.role == Role::Leader {
                    tokio::time::sleep(3 * T).await;
                }
            }
        }
    };
    let config =
        config("node-1", 0).on_become_leader(hear(&told, &url)).on_become_follower(hear(&told, &url));
    let elector = start_with(&url, config).await;
    leads(&elector).await;
    eventually("the hook has run", SOON, async || told.lock().await.len() == 1).await;
    let start = std::time::Instant::now();
    eventually("the slow hook has ended", SOON, async || {
        assert!(elector.is_leader(), "a slow hook cost the leadership");
        start.elapsed() > 3 * T
    })
    .await;
    // The hook leaves no transaction open.
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(database.psql(open), "0");
    assert_eq!(*told.lock().await, ["leader 1 Some(1)"]);
    elector.stop().await.unwrap();
    assert_eq!(*told.lock().await, ["leader 1 Some(1)", "follower 1 None"]);
}

/// A stop that does not join its loops: a heartbeat in flight brings the leadership back.
#[tokio::test]
async fn fault_7_after_the_stop_nothing_of_the_elector_runs() {
    let database = Postgres::shared().database("fault_7");
    migrate(&database.url()).await;
    let called = Arc::new(AtomicUsize::new(0));
    for round in 0..20 {
        let counter = Arc::clone(&called);
        let hook = move |_| {
            let counter = Arc::clone(&counter);
            async move {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        };
        let config = config("node-1", 0).on_become_leader(hook.clone()).on_become_follower(hook);
        let elector = start_with(&database.url(), config).await;
        // Stops at every stage: joining, waiting, claiming, leading.
        tokio::time::sleep(Duration::from_millis(round * 10)).await;
        elector.stop().await.unwrap();
        assert!(!elector.is_leader());
        let calls = called.load(Ordering::SeqCst);
        let rows = "SELECT (SELECT count(*) FROM node_records), \
                    (SELECT count(*) FROM election_terms WHERE ended_at IS NULL), \
                    (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leader-election/node-1' \
                        AND datname = current_database())";
        // The server may take a moment to notice that its clients have gone. The rows must be gone at once.
        assert!(database.psql(rows).starts_with("0|0|"), "{}", database.psql(rows));
        eventually("its connections are closed", SOON, async || database.psql(rows) == "0|0|0").await;
        assert_eq!(called.load(Ordering::SeqCst), calls, "a hook ran after the stop");
        assert_eq!(calls % 2, 0, "no hook ran for the end of a leadership");
    }
}

/// Time stamps of the application's wall clock.
#[tokio::test]
async fn fault_8_every_time_stamp_is_the_databases() {
    let database = Postgres::shared().database("fault_8");
    crate::clocks::shift_clock(&database, "1 day");
    migrate(&database.url()).await;
    let one = start(&database.url(), "node-1", 0).await;
    leads(&one).await;
    let two = start(&database.url(), "node-2", 0).await;
    follows(&two, "node-1").await;
    one.stop().await.unwrap();
    leads(&two).await;
    let ahead = "now() + interval '23 hours'";
    let stamps = format!(
        "SELECT (SELECT bool_and(last_heartbeat > {ahead} AND created_at > {ahead} AND updated_at > {ahead}) \
                 FROM node_records), \
                (SELECT bool_and(started_at > {ahead} AND coalesce(ended_at, started_at) > {ahead}) FROM election_terms)"
    );
    assert_eq!(database.psql(&stamps), "t|t");
    two.stop().await.unwrap();
}
