use std::time::Instant;

use testkit::{Database, Postgres, Proxy, eventually};

use super::*;
use crate::DatabaseUrl;
use crate::runtime::outlets::Outlets;
use crate::runtime::shared::SharedState;
use crate::store::backend::Wakeup;

/// Longer than anything in these tests takes on a busy machine.
const SOON: Duration = Duration::from_secs(30);
/// How long the tests wait to see that there is no wake-up.
const QUIET: Duration = Duration::from_millis(400);
/// No other test's listener uses this election.
const ELECTION: &str = "listened";

fn pools(url: &str) -> impl Fn() -> PgPool + use<> {
    let url: DatabaseUrl = url.parse().unwrap();
    #[allow(irrefutable_let_patterns, reason = "the others are SQLite's, which may be left out")]
    let Wakeup::Notification(listener) = url.spec("leader-election/listener").unwrap().wakeup() else {
        panic!("{url} is no PostgreSQL")
    };
    move || listener.pool()
}

/// Runs a listener during a test, with this H and this `ping_every`.
async fn beside(url: &str, heartbeat: Duration, ping_every: Duration, test: impl AsyncFnOnce(&Notify)) {
    let wakeups = Notify::new();
    let (outlets, ..) = Outlets::new(SharedState::new(ELECTION.to_owned(), "a".to_owned(), 0));
    let announcer = outlets.announcer();
    let timing = Timing::new(heartbeat, 3 * heartbeat, 6 * heartbeat, 0.1).unwrap();
    let listener = Listener { ping_every, ..Listener::new(ELECTION, timing, &wakeups, &announcer) };
    tokio::select! {
        () = listener.listen(pools(url)) => unreachable!("a listener never ends"),
        () = test(&wakeups) => {}
    }
}

async fn wakes(wakeups: &Notify) -> bool {
    timeout(SOON, wakeups.notified()).await.is_ok()
}

async fn stays_quiet(wakeups: &Notify) -> bool {
    timeout(QUIET, wakeups.notified()).await.is_err()
}

fn listening(database: &Database<'_>) -> String {
    database.psql(
        "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity \
         WHERE datname = current_database() AND query = 'LISTEN \"leader_election\"'",
    )
}

#[tokio::test]
async fn a_notification_of_this_election_wakes_and_one_of_another_does_not() {
    let database = Postgres::shared().database("listener_elections");
    beside(&database.url(), Duration::from_secs(4), PING_EVERY, async |wakeups| {
        assert!(wakes(wakeups).await, "a new connection must cause a read");
        database.psql("SELECT pg_notify('leader_election', 'another')");
        assert!(stays_quiet(wakeups).await, "another election's notification woke this one");
        database.psql("SELECT pg_notify('leader_election', 'listened')");
        assert!(wakes(wakeups).await, "the notification did not wake the node");
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_was_lost_wakes_and_so_does_the_next_one() {
    let database = Postgres::shared().database("listener_lost");
    beside(&database.url(), Duration::from_secs(4), PING_EVERY, async |wakeups| {
        assert!(wakes(wakeups).await);
        assert!(stays_quiet(wakeups).await);
        let lost = listening(&database);
        database.psql(&format!("SELECT pg_terminate_backend({lost})"));
        assert!(wakes(wakeups).await, "notifications may have been missed");
        // The next connection follows at least H / 8 later.
        assert_eq!(listening(&database), "");
        assert!(wakes(wakeups).await, "notifications may have been missed again");
        assert_ne!(listening(&database), lost);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_vanished_silently_is_noticed_by_a_ping() {
    let database = Postgres::shared().database("listener_vanished");
    let proxy = Proxy::start(Postgres::shared().port());
    let url = proxy.through(&database.url());
    beside(&url, Duration::from_millis(400), Duration::from_millis(200), async |wakeups| {
        assert!(wakes(wakeups).await);
        assert!(stays_quiet(wakeups).await, "an answered ping must not wake");
        proxy.stall();
        assert!(wakes(wakeups).await, "the listener did not notice the dead server");
    })
    .await;
}

/// Each wait is a first one, H / 4 at most. Without the reset the waits would soon be up to 3 H.
#[tokio::test]
async fn a_connection_that_was_good_is_followed_by_the_next_one_soon() {
    let database = Postgres::shared().database("listener_backoff");
    beside(&database.url(), Duration::from_secs(4), PING_EVERY, async |wakeups| {
        for _ in 0..6 {
            eventually("it listens", SOON, async || !listening(&database).is_empty()).await;
            let lost = listening(&database);
            database.psql(&format!("SELECT pg_terminate_backend({lost})"));
            let start = Instant::now();
            let again = async || ![lost.as_str(), ""].contains(&listening(&database).as_str());
            eventually("it listens again", SOON, again).await;
            let took = start.elapsed();
            assert!(took < Duration::from_millis(2500), "it took {took:?}");
            wakes(wakeups).await;
        }
    })
    .await;
}
