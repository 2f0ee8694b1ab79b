//! One node without configuration, and the ways to stop it.

use std::time::{Duration, Instant};

use testkit::{Postgres, Process, Signal};

use crate::node::{Fixture, TIMEOUT, id_of, leads};

#[tokio::test]
async fn a_node_without_configuration_elects_itself_and_logs_what_it_uses() {
    let fixture = Fixture::empty();
    let node = fixture.start(&[]);
    let start = Instant::now();
    leads(&node, 1).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}\n{}", start.elapsed(), node.output());
    let output = node.output();
    for words in [
        "leader-election 0.1.0: node ",
        "leader-election.db",
        "DATABASE_URL",
        "one machine only",
        "every 5s",
        "within 15s",
        "try: ",
    ] {
        assert!(output.contains(words), "{words:?} is not in:\n{output}");
    }
    assert!(node.lines().len() <= 7, "{output}");
    let id = id_of(&node).await;
    assert_eq!(fixture.ids().await, [id.as_str()]);
    assert_eq!(fixture.terms().await, [format!("1 {id} open")]);
}

#[tokio::test]
async fn each_of_the_three_signals_deregisters() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let fixture = Fixture::fast();
        let node = fixture.start(&["--node-id", "solo"]);
        leads(&node, 1).await;
        node.signal(signal);
        assert_eq!(node.wait_exit(TIMEOUT).await, 0, "{}", node.output());
        assert!(fixture.ids().await.is_empty());
        assert_eq!(fixture.terms().await, ["1 solo resigned"]);
        let last = node.lines().pop().unwrap();
        assert!(last.ends_with("left the election default"), "{last}");
    }
}

#[tokio::test]
async fn signals_within_the_debounce_count_as_one() {
    let fixture = Fixture::fast();
    let node = fixture.start(&["--node-id", "solo"]);
    leads(&node, 1).await;
    node.signal(Signal::TERM);
    node.signal(Signal::CONT);
    node.signal(Signal::INT);
    node.signal(Signal::TERM);
    assert_eq!(node.wait_exit(TIMEOUT).await, 0, "{}", node.output());
    assert_eq!(fixture.terms().await, ["1 solo resigned"]);
}

/// A leader that has got its first signal while its server hangs. It tries to leave for 7.5 s.
async fn leader_that_cannot_leave(server: &Postgres) -> Process {
    let fixture = Fixture::slow_on(&server.url());
    let node = fixture.node("solo", 0);
    leads(&node, 1).await;
    server.freeze();
    node.signal(Signal::TERM);
    node.wait_for_line("a second signal ends", TIMEOUT).await;
    node
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once_while_the_database_hangs() {
    let server = Postgres::start();
    let node = leader_that_cannot_leave(&server).await;
    // Within 300 ms it would count as the first one.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    node.signal(Signal::INT);
    assert_eq!(node.wait_exit(TIMEOUT).await, 128 + 2, "{}", node.output());
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
