//! A node that testifies: it asks itself every millisecond, on a thread of its own, whether it leads, and prints every
//! change of the answer with the machine's clock:
//!
//! ```text
//! leads TERM FROM_NS              it answered yes for the first time
//! led TERM FROM_NS TO_NS          it answered no; TO_NS is when it last answered yes
//! gap MS ANSWER                   it had not been asked for so long (the process was frozen), and answered this
//! ```
//!
//! Tests of safety run it in several processes, freeze and cut them off, and compare what they say.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::env;
use std::thread::sleep;
use std::time::Duration;

use leader_election::{Elector, ElectorConfig, Term};

type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Fallible<()> {
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
    std::thread::spawn(move || testify(&asking));
    runtime.block_on(async {
        tokio::select! {
            ended = elector.wait() => ended?,
            _ = terminated() => elector.stop().await?,
        }
        // Whoever asks must have had the time to see the last answer.
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

fn testify(elector: &Elector) {
    let mut reign: Option<(i64, u128, u128)> = None;
    let mut last = now();
    loop {
        // Before and after: an answer that took long is dated by when it was certainly still true or already so.
        let before = now();
        let term = elector.term().map(Term::get);
        let after = now();
        let gap = Duration::from_nanos(u64::try_from(before - last).unwrap_or(u64::MAX));
        if gap > Duration::from_millis(500) {
            println!("gap {} {}", gap.as_millis(), term.is_some());
        }
        last = after;
        match (reign, term) {
            (None, Some(term)) => {
                println!("leads {term} {after}");
                reign = Some((term, after, before));
            }
            (Some((led, from, _)), Some(term)) if led == term => reign = Some((led, from, before)),
            (Some((led, from, to)), term) => {
                println!("led {led} {from} {to}");
                reign = None;
                if let Some(term) = term {
                    println!("leads {term} {after}");
                    reign = Some((term, after, before));
                }
            }
            (None, None) => {}
        }
        sleep(Duration::from_millis(1));
    }
}

/// CLOCK_BOOTTIME: the same for all processes of the machine.
fn now() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec.unsigned_abs() as u128 * 1_000_000_000 + u128::from(now.tv_nsec.unsigned_abs())
}
