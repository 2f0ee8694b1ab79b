//! Three nodes whose leader crashes or stops.

use std::time::{Duration, Instant};

use testkit::{Postgres, Process, Signal, eventually};

use crate::node::{ELECTION_TIMEOUT, Fixture, TIMEOUT, follows, leads, stop};

/// What a busy machine may add to a measured time.
const SLACK: Duration = Duration::from_secs(2);

/// Three nodes of priorities 100, 50 and 10; the first leads.
async fn three_nodes(fixture: &Fixture) -> [Process; 3] {
    let first = fixture.node("node-1", 100);
    leads(&first, 1).await;
    // In this order the lowest priority has joined before the middle one.
    let third = fixture.node("node-3", 10);
    let second = fixture.node("node-2", 50);
    follows(&second, "node-1", 1).await;
    follows(&third, "node-1", 1).await;
    [first, second, third]
}

async fn a_leader_is_succeeded_by_the_best_survivor(fixture: &Fixture) {
    let [first, second, third] = three_nodes(fixture).await;
    let start = Instant::now();
    first.signal(Signal::KILL);
    leads(&second, 2).await;
    let crash = start.elapsed();
    assert!(crash < ELECTION_TIMEOUT + SLACK, "{crash:?}\n{}", second.output());
    follows(&third, "node-2", 2).await;

    // Until then the killed node's row counts as live, and the others wait for it for a moment.
    let dead = start + 3 * ELECTION_TIMEOUT / 2;
    eventually("node-1 to count as dead", TIMEOUT, async || Instant::now() > dead).await;
    let start = Instant::now();
    second.signal(Signal::TERM);
    leads(&third, 3).await;
    let stopped = start.elapsed();
    assert!(stopped < Duration::from_secs(1), "{stopped:?}\n{}", third.output());
    assert_eq!(second.wait_exit(TIMEOUT).await, 0, "{}", second.output());

    let again = fixture.node("node-1", 100);
    follows(&again, "node-3", 3).await;
    assert_eq!(fixture.terms().await, ["1 node-1 expired", "2 node-2 resigned", "3 node-3 open"]);
    println!("a crash took {crash:?}, a stop {stopped:?}");
}

#[tokio::test]
async fn a_leader_is_succeeded_by_the_best_survivor_on_postgresql() {
    let database = Postgres::shared().database("failover");
    a_leader_is_succeeded_by_the_best_survivor(&Fixture::on(&database.keyword_dsn())).await;
}

#[tokio::test]
async fn a_leader_is_succeeded_by_the_best_survivor_on_sqlite() {
    a_leader_is_succeeded_by_the_best_survivor(&Fixture::fast()).await;
}

/// Twenty times: the leader is stopped, the follower leads, and a new node takes the follower's place.
#[tokio::test]
async fn a_stopped_leader_is_succeeded_in_milliseconds() {
    let database = Postgres::shared().database("hand_over");
    let fixture = Fixture::on(&database.url());
    let mut leader = fixture.node("node-0", 0);
    leads(&leader, 1).await;
    let mut seen = Vec::new();
    for term in 2..=21 {
        let (before, after) = (format!("node-{}", (term % 2)), format!("node-{}", (term + 1) % 2));
        let follower = fixture.node(&after, 0);
        follows(&follower, &before, term - 1).await;
        // A node that has just registered does not campaign for a tenth of the heartbeat interval.
        eventually("the end of the follower's startup delay", TIMEOUT, async || {
            let is_over = "clock_timestamp() - created_at > interval '150 ms'";
            database.psql(&format!("SELECT {is_over} FROM node_records WHERE id = '{after}'")) == "t"
        })
        .await;
        let start = Instant::now();
        leader.signal(Signal::TERM);
        leads(&follower, term).await;
        seen.push(start.elapsed());
        assert_eq!(leader.wait_exit(TIMEOUT).await, 0, "{}", leader.output());
        leader = follower;
    }
    stop(&leader).await;
    let gaps = database.psql(
        "SELECT round(extract(epoch FROM n.started_at - o.ended_at) * 1e6) FROM election_terms o \
         JOIN election_terms n ON n.term = o.term + 1",
    );
    let gaps: Vec<_> = gaps.lines().map(|gap| Duration::from_micros(gap.parse().unwrap())).collect();
    let (seen, gaps) = (Spread::of(seen), Spread::of(gaps));
    println!("from the signal to the successor's line: {seen:?}");
    println!("from the end of the term to the next one's start: {gaps:?}");
    assert!(seen.median < Duration::from_millis(500) && seen.p99 < Duration::from_secs(3), "{seen:?}");
    assert_eq!(fixture.terms().await.iter().filter(|term| term.ends_with(" resigned")).count(), 21);
}

#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
struct Spread {
    count: usize,
    least: Duration,
    median: Duration,
    p99: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort();
        let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
        Self { count: times.len(), least: times[0], median: at(50), p99: at(99) }
    }
}
