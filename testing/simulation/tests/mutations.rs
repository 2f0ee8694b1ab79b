//! Checks the checks: each rule broken on purpose must be caught. Otherwise the simulation no longer sees it.

use std::time::Instant;

use simulation::mutation::Mutation;
use simulation::run::run;
use simulation::scenario::{SCENARIOS, Scenario};

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
    let mut blind = Vec::new();
    for mutation in Mutation::ALL {
        let started = Instant::now();
        let names = hunted_in(mutation);
        let scenarios: Vec<&Scenario> =
            SCENARIOS.iter().filter(|scenario| names.is_empty() || names.contains(&scenario.name)).collect();
        let found = (0..2000).find_map(|seed| {
            scenarios.iter().find_map(|scenario| {
                let broken = run(scenario, seed, Some(mutation), false).err()?;
                run(scenario, seed, None, false).is_ok().then_some(broken)
            })
        });
        match found {
            Some(failure) => println!("{mutation:?} after {:?}: {failure}", started.elapsed()),
            None => {
                println!("{mutation:?} NOT FOUND after {:?}", started.elapsed());
                blind.push(mutation);
            }
        }
    }
    assert!(blind.is_empty(), "not caught: {blind:?}");
}
