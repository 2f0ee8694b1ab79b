//! The real store against the model: random sequences of requests, sent over several connections, must get the same
//! replies from both and leave the same rows.
//!
//! Half of the sequences are the same every time, half are new. `STORE_SEQUENCES` sets the number; `STORE_SEED`
//! repeats the new ones of an earlier run. A failure is shrunk to the shortest sequence that shows it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod case;
mod steps;
mod test_database;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;

use proptest::collection::vec;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use simulation::mutation::Mutation;

use crate::case::Case;
use crate::steps::{Step, step};
use crate::test_database::TestDatabase;

/// How many sequences a test runs by default.
const SEQUENCES: u32 = 200;

/// Each of these has to happen, or the comparison misses something.
const KINDS: &[&str] = &[
    "registered",
    "registered again",
    "taken over from a follower",
    "taken over from a leader",
    "id held by a follower",
    "id held by a leader",
    "heartbeat",
    "heartbeat refused",
    "renewal",
    "renewal refused",
    "view",
    "claimed",
    "claimed from a leader",
    "claim lost: moved",
    "claim lost: better",
    "claim lost: unregistered",
    "term ended",
    "left",
    "cleaned nodes",
    "cleaned terms",
    "two at once",
];

/// How often each kind happened.
type Seen = BTreeMap<&'static str, u64>;

#[test]
fn postgresql_does_what_the_model_says() {
    let database = testkit::Postgres::shared().database("model");
    agrees(&database.url());
}

#[test]
fn sqlite_does_what_the_model_says() {
    let dir = testkit::directory();
    agrees(&format!("sqlite:{}", dir.path().join("model.db").display()));
}

/// Checks the comparison: a model that breaks a rule must differ from the store.
#[test]
fn a_model_that_breaks_a_rule_is_noticed() {
    let dir = testkit::directory();
    let url = format!("sqlite:{}", dir.path().join("model.db").display());
    for mutation in [
        Mutation::HeartbeatForAnyIncarnation,
        Mutation::RenewalForAnyTerm,
        Mutation::FollowerHeartbeatForLeader,
        Mutation::ClaimUnchecked,
        Mutation::TermFromNode,
    ] {
        let (result, _) = compare(&url, 400, 1, Some(mutation));
        assert!(result.is_err(), "{mutation:?} was not noticed");
    }
}

fn agrees(url: &str) {
    let sequences = setting("STORE_SEQUENCES").unwrap_or(u64::from(SEQUENCES));
    let fresh = setting("STORE_SEED").unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let half = u32::try_from(sequences / 2).unwrap().max(1);
    let mut all = Seen::new();
    for seed in [1, fresh] {
        println!("{half} sequences of seed {seed}");
        let (result, seen) = compare(url, half, seed, None);
        for (kind, count) in seen {
            *all.entry(kind).or_default() += count;
        }
        if let Err(failed) = result {
            panic!("the store and the model disagree; repeat with STORE_SEED={seed}\n{failed}");
        }
    }
    for kind in KINDS {
        let count = all.get(kind).copied().unwrap_or(0);
        println!("{kind:<28} {count:>7}");
        assert!(count > 0, "{kind}: never happened");
    }
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: not a number: {text}")))
}

/// Runs this many sequences of this seed.
fn compare(url: &str, cases: u32, seed: u64, mutation: Option<Mutation>) -> (Result<(), String>, Seen) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let real = RefCell::new(runtime.block_on(TestDatabase::open(url)));
    let seen = RefCell::new(Seen::new());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let result = TestRunner::new_with_rng(config, chance).run(&vec(step(), 5..40), |steps| {
        let (mut real, mut seen) = (real.borrow_mut(), seen.borrow_mut());
        runtime.block_on(async {
            let mut case = Case::begin(&mut real, mutation, &mut seen).await.map_err(TestCaseError::fail)?;
            for (number, step) in steps.iter().enumerate() {
                case.take(step, &mut seen)
                    .await
                    .map_err(|what| TestCaseError::fail(format!("step {number}, {step:?}: {what}")))?;
            }
            Ok(())
        })
    });
    let result = result.map_err(|error| match error {
        TestError::Fail(reason, steps) => report(&reason.to_string(), &steps),
        TestError::Abort(reason) => reason.to_string(),
    });
    // Its connections close on this runtime.
    runtime.block_on(async { drop(real) });
    (result, seen.into_inner())
}

fn report(reason: &str, steps: &[Step]) -> String {
    let lines: Vec<_> =
        steps.iter().enumerate().map(|(number, step)| format!("  {number}: {step:?}")).collect();
    format!("{reason}\nthe shortest sequence found:\n{}", lines.join("\n"))
}
