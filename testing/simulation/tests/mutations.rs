//! The checks are checked: each rule broken on purpose is caught, and each flaw around the driver, or the simulation has
//! gone blind.

use std::time::Instant;

use simulation::mutation::Mutation;
use simulation::run::run;
use simulation::scenario::{SCENARIOS, Scenario};
use simulation::subject::{Flaw, Subject};

/// The scenarios that show a broken rule soonest.
fn hunted_in(mutation: Mutation) -> &'static [&'static str] {
    match mutation {
        Mutation::HeartbeatForAnyIncarnation | Mutation::RenewalForAnyTerm => &["duplicates"],
        Mutation::FollowerHeartbeatForLeader => &["stale"],
        Mutation::LateHeartbeatCounts => &["late"],
        Mutation::DriftBeyondSetting => &["edge", "chaos"],
        _ => &[],
    }
}

#[test]
fn every_mutation_is_caught() {
    let blind: Vec<_> = Mutation::ALL
        .into_iter()
        .filter(|mutation| {
            let broken = Subject::Rules(Some(*mutation));
            !is_caught(broken, Subject::Rules(None), hunted_in(*mutation))
        })
        .collect();
    assert!(blind.is_empty(), "not caught: {blind:?}");
}

#[test]
fn every_flaw_around_the_driver_is_caught() {
    let blind: Vec<_> = Flaw::ALL
        .into_iter()
        .filter(|flaw| !is_caught(Subject::Runtime(Some(*flaw)), Subject::Runtime(None), &[]))
        .collect();
    assert!(blind.is_empty(), "not caught: {blind:?}");
}

/// Whether a seed fails with the broken one that passes with the whole one.
fn is_caught(broken: Subject, whole: Subject, names: &[&str]) -> bool {
    let started = Instant::now();
    let scenarios: Vec<&Scenario> =
        SCENARIOS.iter().filter(|scenario| names.is_empty() || names.contains(&scenario.name)).collect();
    let found = (0..2000).find_map(|seed| {
        scenarios.iter().find_map(|scenario| {
            let failure = run(scenario, seed, broken, false).err()?;
            run(scenario, seed, whole, false).is_ok().then_some(failure)
        })
    });
    match &found {
        Some(failure) => println!("{broken:?} after {:?}: {failure}", started.elapsed()),
        None => println!("{broken:?} NOT FOUND after {:?}", started.elapsed()),
    }
    found.is_some()
}
