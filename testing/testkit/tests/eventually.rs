//! Waiting for a condition.

use std::cell::Cell;
use std::time::Duration;

use testkit::eventually;

#[tokio::test]
async fn it_checks_until_the_condition_is_true() {
    let checks = Cell::new(0);
    eventually("the third check", Duration::from_secs(5), async || {
        checks.set(checks.get() + 1);
        checks.get() == 3
    })
    .await;
    assert_eq!(checks.get(), 3);
}

#[tokio::test]
#[should_panic(expected = "in vain for what never happens (checked ")]
async fn it_names_the_condition_that_did_not_come_true() {
    eventually("what never happens", Duration::from_millis(30), async || false).await;
}

#[tokio::test]
#[should_panic(expected = "tests/eventually.rs:")]
async fn it_abandons_a_check_that_hangs_and_names_its_caller() {
    eventually("an answer", Duration::from_millis(30), async || std::future::pending().await).await;
}
