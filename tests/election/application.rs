//! Applications that misuse their elector: subscribers that block, hooks that are slow, dropped waiters, panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use leader_election::{Elector, ElectorConfig, Error, Event, LossReason};
use sea_orm::DatabaseConnection;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use testkit::eventually;
use tokio::time::timeout;
use tracing::{Metadata, Subscriber, span};

use crate::support::{SOON, TestDatabase, config, leads, start_with};

/// Blocks at every line for this long.
struct Blocking {
    span: Duration,
    lines: Arc<AtomicUsize>,
}

impl Subscriber for Blocking {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("leader_election")
    }

    fn event(&self, _: &tracing::Event<'_>) {
        self.lines.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(self.span);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn fast(id: &str) -> ElectorConfig {
    let mut config = config(id, 0);
    config.heartbeat_interval = Duration::from_millis(300);
    config.election_timeout = Duration::from_millis(900);
    config.node_timeout = Duration::from_millis(1800);
    config
}

/// A full pipe, a stalled collector: its lines are late, and nothing else is.
#[tokio::test]
async fn a_subscriber_that_blocks_costs_no_leadership_and_does_not_keep_a_stop_waiting() {
    let database = TestDatabase::sqlite().await;
    let elector = Elector::connect(database.url(), fast("node-1")).await.unwrap();
    let mut events = elector.subscribe();
    let lines = Arc::new(AtomicUsize::new(0));
    let blocking = Blocking { span: Duration::from_secs(2), lines: Arc::clone(&lines) };
    tracing::subscriber::with_default(blocking, || elector.start().unwrap());
    leads(&elector).await;
    let term = elector.term();
    let start = Instant::now();
    eventually("two lines were blocked at", SOON, async || {
        assert_eq!(elector.term(), term, "the subscriber cost the leadership");
        lines.load(Ordering::SeqCst) >= 2 && start.elapsed() > Duration::from_secs(3)
    })
    .await;
    let stopping = Instant::now();
    elector.stop().await.unwrap();
    // Half of the limit for a busy machine; the blocked lines would take longer.
    assert!(stopping.elapsed() < Duration::from_millis(2500), "it took {:?}", stopping.elapsed());
    while let Some(event) = events.next_event().await {
        let lost = matches!(event, Event::LostLeadership { reason: LossReason::Lapsed, .. });
        assert!(!lost, "{event:?}");
    }
}

#[tokio::test]
async fn a_dropped_waiter_aborts_no_hook_and_the_next_one_waits_for_it() {
    let database = TestDatabase::sqlite().await;
    let done = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&done);
    let config = config("node-1", 0).on_become_follower(move |_| {
        let told = Arc::clone(&told);
        async move {
            tokio::time::sleep(Duration::from_millis(800)).await;
            told.store(true, Ordering::SeqCst);
        }
    });
    let elector = start_with(database.url(), config).await;
    leads(&elector).await;
    assert!(timeout(Duration::from_millis(250), elector.stop()).await.is_err());
    assert!(!done.load(Ordering::SeqCst));
    elector.stop().await.unwrap();
    assert!(done.load(Ordering::SeqCst), "the stop was over while a hook still ran");
}

#[tokio::test]
async fn a_hook_that_hangs_does_not_keep_a_stop_waiting_for_ever() {
    let database = TestDatabase::sqlite().await;
    let told = Arc::new(AtomicBool::new(false));
    let follower = Arc::clone(&told);
    let config = fast("node-1").on_become_leader(|_| std::future::pending()).on_become_follower(move |_| {
        let told = Arc::clone(&follower);
        async move { told.store(true, Ordering::SeqCst) }
    });
    let elector = start_with(database.url(), config).await;
    leads(&elector).await;
    let mut events = elector.subscribe();
    timeout(SOON, elector.stop()).await.expect("the hook is aborted").unwrap();
    assert!(told.load(Ordering::SeqCst), "no hook ran for the end of the leadership");
    let mut aborted = false;
    while let Some(event) = events.next_event().await {
        aborted |= matches!(event, Event::HookAborted { .. });
    }
    assert!(aborted);
}

/// The last line says why a process ended, so it must not be lost.
#[tokio::test]
async fn a_stop_waits_for_the_last_lines() {
    let file = TestDatabase::sqlite().await;
    let elector = Elector::connect(file.url(), config("node-1", 0)).await.unwrap();
    let mut events = elector.subscribe();
    let lines = Arc::new(AtomicUsize::new(0));
    let slow = Blocking { span: Duration::from_millis(100), lines: Arc::clone(&lines) };
    tracing::subscriber::with_default(slow, || elector.start().unwrap());
    leads(&elector).await;
    elector.stop().await.unwrap();
    let written = lines.load(Ordering::SeqCst);
    let mut told = 0;
    while events.next_event().await.is_some() {
        told += 1;
    }
    assert_eq!(written, told, "a line was not written when the stop was over");
}

/// A pool of this file whose connections run an application's function on the elector's thread.
fn pool(file: &TestDatabase, on_connect: impl Fn() + Send + Sync + 'static) -> DatabaseConnection {
    let on_connect = Arc::new(on_connect);
    let path = file.url().strip_prefix("sqlite:").unwrap();
    let pool = SqlitePoolOptions::new().after_connect(move |_, _| {
        let on_connect = Arc::clone(&on_connect);
        Box::pin(async move {
            on_connect();
            Ok(())
        })
    });
    pool.connect_lazy_with(SqliteConnectOptions::new().filename(path)).into()
}

/// Like a look-up of a host name, which cannot be interrupted.
#[tokio::test]
async fn what_blocks_on_the_electors_runtime_is_waited_for_at_the_end() {
    let file = TestDatabase::sqlite().await;
    let (stopping, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let started = Arc::new(AtomicUsize::new(0));
    let database = pool(&file, {
        let (stopping, over, started) = (Arc::clone(&stopping), Arc::clone(&over), Arc::clone(&started));
        move || {
            let (stopping, over) = (Arc::clone(&stopping), Arc::clone(&over));
            started.fetch_add(1, Ordering::SeqCst);
            tokio::task::spawn_blocking(move || {
                while !stopping.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                std::thread::sleep(Duration::from_millis(300));
                over.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    let elector = Elector::new(&database, config("node-1", 0)).unwrap();
    elector.start().unwrap();
    leads(&elector).await;
    stopping.store(true, Ordering::SeqCst);
    elector.stop().await.unwrap();
    assert_eq!(over.load(Ordering::SeqCst), started.load(Ordering::SeqCst));
}

/// An application's code runs on the elector's thread: here the hook of a connection pool that was passed in.
#[tokio::test]
async fn a_panic_on_the_electors_thread_withdraws_the_leadership_and_runs_the_hooks() {
    let file = TestDatabase::sqlite().await;
    let panics = Arc::new(AtomicBool::new(false));
    let bug = Arc::clone(&panics);
    let database = pool(&file, move || {
        assert!(!bug.load(Ordering::SeqCst), "a bug in the application");
    });
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let config = config("node-1", 0).on_become_follower(move |change| {
        heard.lock().unwrap().push(change.reason);
        async {}
    });
    let elector = Elector::new(&database, config).unwrap();
    elector.start().unwrap();
    leads(&elector).await;
    panics.store(true, Ordering::SeqCst);
    // The first read opens a connection of its own.
    assert!(matches!(elector.nodes().await, Err(Error::Ended)));
    let ended = elector.wait().await;
    assert!(matches!(&ended, Err(Error::Crashed(reason)) if reason.contains("a bug in the")), "{ended:?}");
    assert!(!elector.is_leader());
    assert_eq!(*told.lock().unwrap(), [Some(LossReason::ShuttingDown)]);
}
