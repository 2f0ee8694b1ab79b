//! A short run of every scenario, with the rules alone and with the runtime: seeds that never change, and fresh ones.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::thread;

use simulation::faults::{Fault, Tally};
use simulation::run::run;
use simulation::scenario::SCENARIOS;
use simulation::subject::Subject;

#[test]
fn the_rules_keep_the_promises_in_every_scenario() {
    the_promises_hold(Subject::Rules(None), 200);
}

#[test]
fn the_runtime_keeps_the_promises_in_every_scenario() {
    the_promises_hold(Subject::Runtime(None), 30);
}

#[test]
fn a_seed_repeats_a_run_exactly() {
    for subject in [Subject::Rules(None), Subject::Runtime(None)] {
        for scenario in SCENARIOS {
            let [once, again] = [(); 2].map(|()| run(scenario, 7, subject, false).unwrap());
            assert_eq!(once, again, "{subject:?} in {}", scenario.name);
        }
    }
}

/// With so many fixed seeds, and as many fresh ones.
fn the_promises_hold(subject: Subject, count: u64) {
    let fresh = u64::from(rand::random::<u32>());
    println!("{subject:?}: fixed seeds 0 to {}, fresh seeds {fresh} to {}", count - 1, fresh + count - 1);
    let seeds: Vec<u64> = (0..count).chain(fresh..fresh + count).collect();
    let half = |odd: usize| {
        let mut tally = Tally::default();
        let mut failures = Vec::new();
        for (index, scenario) in SCENARIOS.iter().enumerate() {
            for seed in seeds.iter().skip((odd + index) % 2).step_by(2) {
                match run(scenario, *seed, subject, false) {
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
    for fault in Fault::ALL.into_iter().filter(|fault| subject.is_runtime() || !fault.takes_runtime()) {
        let (injected, took_part) = tally.of(fault);
        assert!(
            injected >= 20 && took_part >= 20,
            "{fault:?}: {injected} injected, {took_part} in failovers"
        );
    }
}
