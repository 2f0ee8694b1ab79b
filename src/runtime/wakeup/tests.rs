use sea_orm::ConnectionTrait as _;
use tokio::time::timeout;

use super::*;
use crate::DatabaseUrl;
use crate::runtime::outlets::Outlets;
use crate::runtime::shared::SharedState;

const SOON: Duration = Duration::from_secs(20);
/// Long enough for several reads.
const QUIET: Duration = Duration::from_secs(1);

/// H is long, so a wake-up within [`SOON`] is not a poll.
async fn beside(url: &DatabaseUrl, test: impl AsyncFnOnce(&Notify)) {
    let heartbeat = 10 * SOON;
    let timing = Timing::new(heartbeat, 3 * heartbeat, 6 * heartbeat, 0.1).unwrap();
    let wakeups = Arc::new(Notify::new());
    let (outlets, ..) = Outlets::new(SharedState::new("e".to_owned(), "a".to_owned(), 0));
    let spec = url.spec("leader-election/a").unwrap();
    tokio::select! {
        () = run(spec, "e".to_owned(), timing, Arc::clone(&wakeups), outlets.announcer()) => {
            unreachable!("the wake-ups never end")
        }
        () = test(&wakeups) => {}
    }
}

#[tokio::test]
async fn only_a_write_to_a_sqlite_file_wakes() {
    let dir = testkit::directory();
    let url: DatabaseUrl = format!("sqlite:{}", dir.path().join("e.db").display()).parse().unwrap();
    let writer = url.connect().await.unwrap();
    writer.execute_unprepared("CREATE TABLE t (x)").await.unwrap();
    beside(&url, async |wakeups| {
        timeout(SOON, wakeups.notified()).await.expect("the first read counts as a change");
        assert!(timeout(QUIET, wakeups.notified()).await.is_err(), "it wakes without a write");
        writer.execute_unprepared("INSERT INTO t VALUES (1)").await.unwrap();
        timeout(SOON, wakeups.notified()).await.expect("the write is noticed");
    })
    .await;
}

#[tokio::test]
async fn a_database_in_memory_wakes_now_and_then() {
    let url: DatabaseUrl = "sqlite::memory:".parse().unwrap();
    beside(&url, async |wakeups| {
        for _ in 0..3 {
            timeout(SOON, wakeups.notified()).await.expect("there is no other way to learn of a change");
        }
    })
    .await;
}
