//! Jumps of the database's clock, and an application that blocks its executor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use testkit::{Database, Postgres, eventually};

use crate::observer::{Observer, TIMES};
use crate::support::{H, SOON, T, follows, leads, migrate, start};

/// Gives the database a `clock_timestamp()` that is off by this much, found before the system's.
pub fn shift_clock(database: &Database<'_>, by: &str) {
    database.psql(&format!(
        "CREATE SCHEMA IF NOT EXISTS shifted; \
         CREATE OR REPLACE FUNCTION shifted.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE \
           AS $$ SELECT pg_catalog.clock_timestamp() + interval '{by}' $$; \
         ALTER DATABASE \"{}\" SET search_path = shifted, pg_catalog, public",
        database.name()
    ));
}

#[tokio::test]
async fn a_jump_of_the_databases_clock_neither_makes_nor_costs_a_leader() {
    let database = Postgres::shared().database("clock_jumps");
    shift_clock(&database, "0");
    migrate(&database.url()).await;
    let one = start(&database.url(), "node-1", 2).await;
    leads(&one).await;
    let two = start(&database.url(), "node-2", 1).await;
    let three = start(&database.url(), "node-3", 0).await;
    follows(&two, "node-1").await;
    follows(&three, "node-1").await;
    for jump in ["1 hour", "0", "-1 hour", "0"] {
        shift_clock(&database, jump);
        let start = Instant::now();
        eventually("the nodes have run long enough after the jump", SOON, async || {
            assert!(one.is_leader(), "the leadership was lost after a jump to {jump}");
            assert!(!two.is_leader() && !three.is_leader(), "a second leader after a jump to {jump}");
            start.elapsed() > 2 * T
        })
        .await;
    }
    assert_eq!(database.psql("SELECT count(*) FROM election_terms"), "1");
    for elector in [one, two, three] {
        elector.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_leader_killed_at_a_jump_is_replaced() {
    for (name, jump) in [("jump_ahead", "1 hour"), ("jump_back", "-1 hour")] {
        let database = Postgres::shared().database(name);
        shift_clock(&database, "0");
        migrate(&database.url()).await;
        let killed = Observer::spawn(&database.url(), "node-1", 9, TIMES);
        killed.leads().await;
        let two = start(&database.url(), "node-2", 1).await;
        let three = start(&database.url(), "node-3", 0).await;
        follows(&two, "node-1").await;
        follows(&three, "node-1").await;
        killed.0.signal(testkit::Signal::KILL);
        shift_clock(&database, jump);
        let start = Instant::now();
        eventually("a survivor leads", SOON, async || two.is_leader() || three.is_leader()).await;
        // T + H, and as much again for two busy cores.
        assert!(start.elapsed() < 2 * (T + H) + Duration::from_secs(2), "it took {:?}", start.elapsed());
        two.stop().await.unwrap();
        three.stop().await.unwrap();
    }
}

#[test]
fn a_blocked_executor_does_not_cost_the_leadership() {
    let database = Postgres::shared().database("blocked_executor");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let elector = runtime.block_on(async {
        migrate(&database.url()).await;
        let elector = start(&database.url(), "node-1", 0).await;
        leads(&elector).await;
        elector
    });
    let term = elector.term();
    let lost = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicBool::new(false));
    let watch = std::thread::spawn({
        let (elector, lost, done) = (elector.clone(), Arc::clone(&lost), Arc::clone(&done));
        move || {
            while !done.load(Ordering::SeqCst) {
                if elector.term() != term {
                    lost.store(true, Ordering::SeqCst);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    runtime.block_on(async {
        let start = Instant::now();
        while start.elapsed() < 3 * T {
            std::hint::spin_loop();
        }
    });
    done.store(true, Ordering::SeqCst);
    watch.join().unwrap();
    assert!(
        !lost.load(Ordering::SeqCst),
        "the leadership was lost while the application's executor was blocked"
    );
    runtime.block_on(elector.stop()).unwrap();
}
