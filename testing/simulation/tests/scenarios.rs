//! A short run of every scenario: seeds that never change, and fresh ones.

use std::thread;

use simulation::faults::{Fault, Tally};
use simulation::run::run;
use simulation::scenario::SCENARIOS;

const FIXED: u64 = 200;
const FRESH: u64 = 200;

#[test]
fn the_promises_hold_in_every_scenario() {
    let fresh = u64::from(rand::random::<u32>());
    println!("fixed seeds 0 to {}, fresh seeds {fresh} to {}", FIXED - 1, fresh + FRESH - 1);
    let seeds: Vec<u64> = (0..FIXED).chain(fresh..fresh + FRESH).collect();
    let half = |odd: usize| {
        let mut tally = Tally::default();
        let mut failures = Vec::new();
        for (index, scenario) in SCENARIOS.iter().enumerate() {
            for seed in seeds.iter().skip((odd + index) % 2).step_by(2) {
                match run(scenario, *seed, None, false) {
                    Ok(one) => tally.add(&one),
                    Err(failure) => failures.push(failure.to_string()),
                }
            }
        }
        (tally, failures)
    };
    let (mut tally, mut failures) = (Tally::default(), Vec::new());
    thread::scope(|scope| {
        let halves = [scope.spawn(|| half(0)), scope.spawn(|| half(1))];
        for one in halves {
            let (counts, failed) = one.join().unwrap();
            tally.add(&counts);
            failures.extend(failed);
        }
    });
    println!("{tally}");
    assert!(failures.is_empty(), "{} runs failed:\n{}", failures.len(), failures.join("\n"));
    for fault in Fault::ALL {
        let (injected, took_part) = tally.of(fault);
        assert!(
            injected >= 20 && took_part >= 20,
            "{fault:?}: {injected} injected, {took_part} in failovers"
        );
    }
}
