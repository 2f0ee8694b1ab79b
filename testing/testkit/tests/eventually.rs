//! Waiting for a condition.

use std::cell::Cell;
use std::time::Duration;

use testkit::eventually;

#[tokio::test]
async fn it_asks_until_the_answer_is_yes() {
    let asked = Cell::new(0);
    eventually("the third question", Duration::from_secs(5), async || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    })
    .await;
    assert_eq!(asked.get(), 3);
}

#[tokio::test]
#[should_panic(expected = "in vain for pigs to fly (asked ")]
async fn it_says_what_did_not_come_true() {
    eventually("pigs to fly", Duration::from_millis(30), async || false).await;
}

#[tokio::test]
#[should_panic(expected = "tests/eventually.rs:")]
async fn it_gives_up_a_question_that_hangs_and_says_where_it_was_asked() {
    eventually("an answer", Duration::from_millis(30), async || std::future::pending().await).await;
}
