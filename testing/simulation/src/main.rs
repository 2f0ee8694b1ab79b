//! `prove` runs many seeds; `replay` one, with a trace of everything that happens.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};
use simulation::exhaustive::{Bounds, Small};
use simulation::faults::Tally;
use simulation::run::{Failure, run};
use simulation::scenario::{SCENARIOS, Scenario};
use simulation::subject::Subject;
use stateright::report::WriteReporter;
use stateright::{Checker, Model};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Put the rules to the test: run many seeds of every scenario, or of one.
    Prove(Runs),
    /// The same with the library's driver, which carries the rules out.
    Runtime(Runs),
    /// Try every behaviour of a small configuration.
    Exhaust {
        /// Search further than every test run does; takes minutes.
        #[arg(long)]
        far: bool,
    },
    /// Run one seed and print everything that happens.
    Replay {
        /// The scenario.
        #[arg(long)]
        scenario: String,
        /// The seed.
        #[arg(long)]
        seed: u64,
        /// With the driver, not with the rules alone.
        #[arg(long)]
        runtime: bool,
    },
}

#[derive(Args)]
struct Runs {
    /// How many seeds of each scenario.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// Stop after this many seconds, whatever is left.
    #[arg(long)]
    time: Option<u64>,
    /// Only this scenario.
    #[arg(long)]
    scenario: Option<String>,
    /// The first seed; fresh ones without it.
    #[arg(long)]
    from: Option<u64>,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Action::Prove(runs) => prove(Subject::Rules(None), &runs),
        Action::Runtime(runs) => prove(Subject::Runtime(None), &runs),
        Action::Exhaust { far } => exhaust(if far { Bounds::LARGE } else { Bounds::SMALL }),
        Action::Replay { scenario, seed, runtime } => {
            let Some(scenario) = Scenario::named(&scenario) else { return unknown() };
            let subject = if runtime { Subject::Runtime(None) } else { Subject::Rules(None) };
            match run(scenario, seed, subject, true) {
                Ok(tally) => {
                    println!("{tally}");
                    ExitCode::SUCCESS
                }
                Err(failure) => {
                    println!("{failure}");
                    ExitCode::FAILURE
                }
            }
        }
    }
}

fn prove(subject: Subject, runs: &Runs) -> ExitCode {
    let chosen = |known: &&Scenario| runs.scenario.as_ref().is_none_or(|name| known.name == name);
    let scenarios: Vec<&Scenario> = SCENARIOS.iter().filter(chosen).collect();
    if scenarios.is_empty() {
        return unknown();
    }
    let (seeds, time) = (runs.seeds, runs.time.map(Duration::from_secs));
    let from = runs.from.unwrap_or_else(|| u64::from(rand::random::<u32>()) << 20);
    println!("{subject:?}: seeds from {from}, {seeds} of each of {} scenarios", scenarios.len());
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let done = Mutex::new((BTreeMap::<&str, Tally>::new(), Vec::<Failure>::new(), started));
    let total = seeds * scenarios.len() as u64;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= total || time.is_some_and(|time| started.elapsed() > time) {
                        return;
                    }
                    let scenario = scenarios[usize::try_from(number).unwrap_or(0) % scenarios.len()];
                    let result = run(scenario, from + number / scenarios.len() as u64, subject, false);
                    let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    match result {
                        Ok(tally) => done.0.entry(scenario.name).or_default().add(&tally),
                        Err(failure) => {
                            println!("{failure}");
                            done.1.push(*failure);
                        }
                    }
                    if done.2.elapsed() > Duration::from_secs(5) {
                        done.2 = Instant::now();
                        let failovers: u64 = done.0.values().map(|tally| tally.failovers).sum();
                        let failed = done.1.len();
                        println!(
                            "{:>5.0} s: {number} of {total} runs, {failovers} failovers, {failed} failed",
                            started.elapsed().as_secs_f64()
                        );
                    }
                }
            });
        }
    });
    let (tallies, failures, _) = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    report(&tallies, started.elapsed());
    for failure in failures.iter().take(20) {
        println!("{failure}");
    }
    println!("{} runs failed", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn exhaust(bounds: Bounds) -> ExitCode {
    println!("{bounds:?}");
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let checker = Small::new(bounds, None).checker().threads(threads).spawn_dfs();
    let checker = checker.join_and_report(&mut WriteReporter::new(&mut std::io::stdout()));
    let broken: Vec<_> = checker.discoveries().into_keys().filter(|name| *name != Small::REACHED).collect();
    println!("{} states, {} unique, broken: {broken:?}", checker.state_count(), checker.unique_state_count());
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(tallies: &BTreeMap<&str, Tally>, took: Duration) {
    let mut all = Tally::default();
    for (name, tally) in tallies {
        println!(
            "{name:<10} {:>7} runs {:>9} failovers {:>7} measured, slowest recovery {:>3.0} % of its bound",
            tally.runs,
            tally.failovers,
            tally.measured,
            tally.slowest * 100.0
        );
        all.add(tally);
    }
    println!("\n{all}");
    #[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = all.failovers as f64 / took.as_secs_f64();
    println!("{:.1} s, {rate:.0} failovers a second", took.as_secs_f64());
}

fn unknown() -> ExitCode {
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    println!("scenarios: {}", names.join(", "));
    ExitCode::FAILURE
}
