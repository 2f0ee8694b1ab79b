use std::sync::Arc;
use std::sync::Mutex;

use tokio::task::JoinHandle;
use tokio::time::{advance, sleep};

use super::*;

/// A slow source that records the requested reads and their limits.
#[derive(Clone)]
struct Slow {
    takes: Duration,
    asked: Arc<Mutex<Vec<(&'static str, Duration)>>>,
}

impl Slow {
    fn new(takes: Duration) -> Self {
        Self { takes, asked: Arc::default() }
    }

    async fn carry_out<T>(&self, what: &'static str, limit: Duration, result: T) -> Result<T, StoreError> {
        self.asked.lock().unwrap().push((what, limit));
        if self.takes <= limit {
            sleep(self.takes).await;
            return Ok(result);
        }
        sleep(limit).await;
        Err(StoreError::timeout(what, false, READ_LIMIT))
    }

    fn asked(&self) -> Vec<&'static str> {
        self.asked.lock().unwrap().iter().map(|(what, _)| *what).collect()
    }
}

impl Source for Slow {
    async fn nodes(&mut self, limit: Duration) -> Result<Vec<LiveNode>, StoreError> {
        self.carry_out("nodes", limit, Vec::new()).await
    }

    async fn leader(&mut self, limit: Duration) -> Result<Option<LiveNode>, StoreError> {
        self.carry_out("leader", limit, None).await
    }
}

fn start(source: &Slow) -> mpsc::UnboundedSender<Query> {
    let (queries, asked) = mpsc::unbounded_channel();
    let source = source.clone();
    tokio::spawn(async move {
        serve(asked, source).await;
    });
    queries
}

/// Reads, and returns whether there was an answer and how long it took.
fn ask(queries: &mpsc::UnboundedSender<Query>) -> JoinHandle<(bool, Duration)> {
    let (waiter, answer) = Waiter::new();
    queries.send(Query::Leader(waiter)).unwrap();
    let start = Instant::now();
    tokio::spawn(async move { (answer.await.unwrap().is_ok(), start.elapsed()) })
}

const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn every_read_fails_within_its_limit_however_many_wait_on_a_silent_server() {
    let source = Slow::new(Duration::MAX);
    let queries = start(&source);
    let mut reads = Vec::new();
    for _ in 0..4 {
        reads.push(ask(&queries));
        sleep(Duration::from_secs(1)).await;
    }
    for read in reads {
        let (answered, took) = read.await.unwrap();
        assert!(!answered);
        assert!(took <= Duration::from_secs(5) + 10 * MOMENT, "it took {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn reads_that_wait_together_share_an_answer_and_abandoned_ones_are_not_carried_out() {
    let source = Slow::new(Duration::from_secs(1));
    let queries = start(&source);
    let first = ask(&queries);
    sleep(MOMENT).await;
    // While the first read is carried out.
    let waiting: Vec<_> = (0..10).map(|_| ask(&queries)).collect();
    let (waiter, abandoned) = Waiter::new();
    queries.send(Query::Nodes(waiter)).unwrap();
    drop(abandoned);
    assert!(first.await.unwrap().0);
    for read in waiting {
        let (answered, took) = read.await.unwrap();
        assert!(answered && took <= Duration::from_secs(2), "it took {took:?}");
    }
    assert_eq!(source.asked(), ["leader", "leader"]);
}

#[tokio::test(start_paused = true)]
async fn a_read_shares_no_answer_that_may_be_older_than_its_question() {
    let source = Slow::new(Duration::from_secs(1));
    let queries = start(&source);
    let first = ask(&queries);
    advance(Duration::from_millis(500)).await;
    let second = ask(&queries);
    assert!(first.await.unwrap().0 && second.await.unwrap().0);
    assert_eq!(source.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_kind_that_has_waited_longest_is_read_first() {
    let source = Slow::new(Duration::from_secs(1));
    let queries = start(&source);
    let first = ask(&queries);
    sleep(MOMENT).await;
    let (waiter, nodes) = Waiter::new();
    queries.send(Query::Nodes(waiter)).unwrap();
    sleep(MOMENT).await;
    let last = ask(&queries);
    assert!(first.await.unwrap().0 && nodes.await.unwrap().is_ok() && last.await.unwrap().0);
    assert_eq!(source.asked(), ["leader", "nodes", "leader"]);
}
