//! A node in a process of its own. A thread of it checks every millisecond whether the node leads, and prints every
//! change of the answer with the machine's clock:
//! ```text
//! leads TERM FROM_NS              it answered yes for the first time
//! led TERM FROM_NS TO_NS          it answered no; TO_NS is when it last answered yes
//! gap MS ANSWER                   it had not been asked for so long (the process was frozen), and answered this
//! ```
//!
//! Tests of safety run several observers, freeze and disconnect them, and compare their reports. The process is this
//! test program itself, which runs one test only, so nothing has to be built beforehand.

use std::env;
use std::thread::sleep;
use std::time::Duration;

use leader_election::{Elector, ElectorConfig, Term};
use testkit::{Process, Signal};

use crate::support::{SOON, TestDatabase};

/// H, T and N of most observers, in milliseconds: the same as those of [`config`](crate::support::config).
pub const TIMES: [&str; 3] = ["800", "2400", "4800"];

/// This variable is set in the processes that observe.
const ROLE: &str = "ELECTION_OBSERVER";

/// An observer's process.
pub struct Observer(pub Process);

/// The time between the first and the last "yes" of a process without a "no" between, on the machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct Interval {
    pub term: i64,
    pub from: Duration,
    pub to: Duration,
}

impl Observer {
    pub fn spawn(url: &str, id: &str, priority: i32, times: [&str; 3]) -> Self {
        let program = env::current_exe().unwrap();
        let arguments = ["--exact", "--nocapture", "observer::an_observer_reports_when_its_node_leads"];
        let priority = priority.to_string();
        let [heartbeat, election, node] = times;
        let environment = [
            (ROLE, "1"),
            ("DATABASE_URL", url),
            ("NODE_ID", id),
            ("NODE_PRIORITY", &priority),
            ("HEARTBEAT_MS", heartbeat),
            ("ELECTION_MS", election),
            ("NODE_MS", node),
        ];
        Self(Process::spawn(program, arguments, environment))
    }

    pub async fn leads(&self) {
        self.0.wait_for_line("leads ", SOON).await;
    }

    /// All intervals in which it led. One that has not ended is left out.
    pub fn intervals(&self) -> Vec<Interval> {
        let nanoseconds = |text: &str| Duration::from_nanos(text.parse().unwrap());
        let lines = self.0.lines();
        let ended = lines.iter().filter_map(|line| line.strip_prefix("led "));
        ended
            .map(|line| {
                let words: Vec<_> = line.split(' ').collect();
                Interval {
                    term: words[0].parse().unwrap(),
                    from: nanoseconds(words[1]),
                    to: nanoseconds(words[2]),
                }
            })
            .collect()
    }
}

/// Fails if two intervals overlap, or if two of different processes share a term.
pub fn assert_one_leader_at_a_time(intervals: &[Vec<Interval>]) {
    let all: Vec<_> =
        intervals.iter().enumerate().flat_map(|(who, list)| list.iter().map(move |i| (who, i))).collect();
    for (index, (who, one)) in all.iter().enumerate() {
        for (other, two) in &all[index + 1..] {
            if who == other {
                continue;
            }
            assert!(
                one.to < two.from || two.to < one.from,
                "two leaders: {one:?} of {who} and {two:?} of {other}"
            );
            assert_ne!(one.term, two.term, "{one:?} of {who} and {two:?} of {other} share a term");
        }
    }
}

/// In an observer's process, this test is the observer.
#[test]
fn an_observer_reports_when_its_node_leads() {
    if env::var_os(ROLE).is_some() {
        return observe().unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = TestDatabase::any().await;
        let observer = Observer::spawn(database.url(), "node-1", 0, TIMES);
        observer.leads().await;
        assert!(observer.intervals().is_empty());
        observer.0.signal(Signal::TERM);
        assert_eq!(observer.0.wait_exit(SOON).await, 0, "{}", observer.0.output());
        let intervals = observer.intervals();
        assert!(intervals.len() == 1 && intervals[0].term == 1, "{}", observer.0.output());
    });
}

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn observe() -> Fallible<()> {
    // The test harness may have left its line open.
    println!();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let elector = runtime.block_on(async {
        let mut config = ElectorConfig::new(env::var("NODE_ID")?);
        config.priority = env::var("NODE_PRIORITY")?.parse()?;
        config.heartbeat_interval = milliseconds("HEARTBEAT_MS")?;
        config.election_timeout = milliseconds("ELECTION_MS")?;
        config.node_timeout = milliseconds("NODE_MS")?;
        let elector = Elector::connect_lazy(env::var("DATABASE_URL")?, config)?;
        elector.start()?;
        Fallible::Ok(elector)
    })?;
    let asking = elector.clone();
    std::thread::spawn(move || report(&asking));
    runtime.block_on(async {
        tokio::select! {
            ended = elector.wait() => ended?,
            _ = terminated() => elector.stop().await?,
        }
        // The reporting thread must have the time to see the last answer.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(())
    })
}

fn milliseconds(name: &str) -> Fallible<Duration> {
    Ok(Duration::from_millis(env::var(name)?.parse()?))
}

async fn terminated() -> Fallible<()> {
    use tokio::signal::unix::{SignalKind, signal};
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

/// Checks and prints for as long as the process runs.
fn report(elector: &Elector) {
    let mut leading: Option<(i64, u128, u128)> = None;
    let mut last = now();
    loop {
        // Reads the clock before and after, so that a slow answer gets the time at which it was surely true.
        let before = now();
        let term = elector.term().map(Term::get);
        let after = now();
        let gap = Duration::from_nanos(u64::try_from(before - last).unwrap_or(u64::MAX));
        if gap > Duration::from_millis(500) {
            println!("gap {} {}", gap.as_millis(), term.is_some());
        }
        last = after;
        match (leading, term) {
            (None, Some(term)) => {
                println!("leads {term} {after}");
                leading = Some((term, after, before));
            }
            (Some((led, from, _)), Some(term)) if led == term => leading = Some((led, from, before)),
            (Some((led, from, to)), term) => {
                println!("led {led} {from} {to}");
                leading = None;
                if let Some(term) = term {
                    println!("leads {term} {after}");
                    leading = Some((term, after, before));
                }
            }
            (None, None) => {}
        }
        sleep(Duration::from_millis(1));
    }
}

/// CLOCK_BOOTTIME, which is the same for all processes of the machine.
fn now() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u128::from(now.tv_sec.unsigned_abs()) * 1_000_000_000 + u128::from(now.tv_nsec.unsigned_abs())
}
