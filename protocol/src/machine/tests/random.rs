//! Any events in any order, and what must hold after each. A failure is shrunk to the shortest sequence that shows
//! it.

use std::cell::Cell;
use std::time::Duration;

use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::*;

mod action;
mod checker;

use action::action;
use checker::Checker;

/// How often each thing worth checking happened.
#[derive(Clone, Copy, Default, Debug)]
struct Counts {
    claims: u32,
    leaderships: u32,
    renewals: u32,
    lapses: u32,
    ends: u32,
}

#[test]
fn whatever_happens_the_machine_keeps_to_its_rules() {
    let counts = Cell::new(Counts::default());
    // PROPTEST_CASES=10000 makes it a long run.
    let config = Config { failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&(0..3_usize, vec(action(), 1..200)), |(timing, actions)| {
        let day = Duration::from_secs(24 * 3600);
        let timing = [
            self::timing(),
            Timing::new(ms(10), ms(30), ms(60), 0.1).unwrap(),
            Timing::new(61 * day, 183 * day, 366 * day, 0.1).unwrap(),
        ][timing];
        let mut checker = Checker::new(timing);
        for action in &actions {
            checker.act(action).map_err(TestCaseError::fail)?;
        }
        let (sum, one) = (counts.get(), checker.counts);
        counts.set(Counts {
            claims: sum.claims + one.claims,
            leaderships: sum.leaderships + one.leaderships,
            renewals: sum.renewals + one.renewals,
            lapses: sum.lapses + one.lapses,
            ends: sum.ends + one.ends,
        });
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    println!("{:?}", counts.get());
    let Counts { claims, leaderships, renewals, lapses, ends } = counts.get();
    let least = claims.min(leaderships).min(renewals).min(lapses).min(ends);
    assert!(least >= 20, "too little was tried: {:?}", counts.get());
}
