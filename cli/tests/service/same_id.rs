//! Default node ids, and two processes under one id.

use std::time::Duration;

use testkit::{Postgres, Process, Signal, eventually};

use crate::node::{Fixture, TIMEOUT, follows, id_of, leads, stop};

#[tokio::test]
async fn three_plain_starts_in_one_directory_get_three_ids_and_one_leader() {
    let fixture = Fixture::empty();
    let first = fixture.start(&[]);
    leads(&first, 1).await;
    let leader = id_of(&first).await;
    let mut ids = vec![leader.clone()];
    let mut followers = Vec::new();
    for _ in 0..2 {
        let node = fixture.start(&[]);
        follows(&node, &leader, 1).await;
        ids.push(id_of(&node).await);
        assert!(ids[ids.len() - 1].starts_with(&format!("{leader}-")), "{ids:?}");
        followers.push(node);
    }
    ids.sort();
    assert_eq!(fixture.ids().await, ids);
    for node in [first].iter().chain(&followers) {
        assert_eq!(node.exit_code(), None, "{}", node.output());
    }
}

#[tokio::test]
async fn two_plain_starts_at_the_same_moment_get_two_ids() {
    let database = Postgres::shared().database("same_moment");
    for fixture in [Fixture::empty(), Fixture::slow_on(&database.url())] {
        let nodes = [fixture.start(&[]), fixture.start(&[])];
        let leading = |node: &Process| node.output().contains(" leads (term 1)");
        eventually("one of them to lead", TIMEOUT, async || nodes.iter().any(leading)).await;
        let following = |node: &Process| node.output().contains(" follows ");
        eventually("the other to follow", TIMEOUT, async || nodes.iter().any(following)).await;
        assert_eq!(fixture.ids().await.len(), 2);
        for node in &nodes {
            assert_eq!(node.exit_code(), None, "{}", node.output());
            assert!(!node.output().contains("ERROR"), "{}", node.output());
            assert_eq!(node.output().matches("try: ").count(), 1, "{}", node.output());
            stop(node).await;
        }
    }
}

#[tokio::test]
async fn the_newer_process_of_a_followers_id_takes_over_and_the_older_one_ends() {
    let database = Postgres::shared().database("same_id");
    for fixture in [Fixture::fast(), Fixture::on(&database.url())] {
        let leader = fixture.node("boss", 9);
        leads(&leader, 1).await;
        let older = fixture.node("same", 0);
        follows(&older, "boss", 1).await;
        let newer = fixture.node("same", 0);
        follows(&newer, "boss", 1).await;
        assert_eq!(older.wait_exit(TIMEOUT).await, 77, "{}", older.output());
        let last = older.lines().pop().unwrap();
        assert!(last.contains("same") && last.contains("own NODE_ID"), "{}", older.output());
        assert!(newer.output().contains("from an earlier process"), "{}", newer.output());
        assert_eq!(fixture.ids().await, ["boss", "same"]);
        assert_eq!(fixture.terms().await, ["1 boss open"]);
        assert_eq!((leader.exit_code(), newer.exit_code()), (None, None));
    }
}

#[tokio::test]
async fn a_process_with_the_leaders_id_waits_and_then_leads_the_next_term() {
    let database = Postgres::shared().database("leaders_id");
    for fixture in [Fixture::fast(), Fixture::on(&database.url())] {
        let heartbeat_seq = async || {
            let rows = fixture.query("SELECT CAST(heartbeat_seq AS text) FROM node_records").await;
            rows[0].parse::<i64>().unwrap()
        };
        let first = fixture.node("solo", 0);
        leads(&first, 1).await;
        let second = fixture.node("solo", 0);
        second.wait_for_line("node id solo belongs to the current leader", TIMEOUT).await;
        let start = heartbeat_seq().await;
        eventually("five heartbeats of the leader", TIMEOUT, async || heartbeat_seq().await >= start + 5)
            .await;
        assert_eq!(fixture.terms().await, ["1 solo open"], "{}", second.output());
        assert!(!second.output().contains("leads (term"), "{}", second.output());
        assert_eq!((first.exit_code(), second.exit_code()), (None, None));

        first.signal(Signal::KILL);
        leads(&second, 2).await;
        second.signal(Signal::KILL);
        second.wait_exit(TIMEOUT).await;
        let third = fixture.node("solo", 0);
        third.wait_for_line("node id solo belongs to the current leader", TIMEOUT).await;
        leads(&third, 3).await;
        assert_eq!(fixture.terms().await, ["1 solo replaced", "2 solo replaced", "3 solo open"]);
        assert_eq!(
            second.lines().iter().filter(|line| line.contains("belongs to the current leader")).count(),
            1
        );
    }
}

#[tokio::test]
async fn a_process_that_waits_for_its_id_can_be_stopped() {
    let fixture = Fixture::fast();
    let first = fixture.node("solo", 0);
    leads(&first, 1).await;
    let second = fixture.node("solo", 0);
    second.wait_for_line("node id solo belongs to the current leader", TIMEOUT).await;
    second.signal(Signal::INT);
    assert_eq!(second.wait_exit(Duration::from_secs(5)).await, 0, "{}", second.output());
    assert_eq!(fixture.ids().await, ["solo"]);
    assert_eq!(fixture.terms().await, ["1 solo open"]);
}

/// The moment between the check that the id is free and the registration is too short to hit. Here a trigger makes the
/// first node's row look abandoned during that time.
#[tokio::test]
async fn a_plain_start_does_not_wait_for_a_leader_with_its_default_id() {
    let database = Postgres::shared().database("late");
    let fixture = Fixture::on(&database.url());
    let first = fixture.start(&[]);
    leads(&first, 1).await;
    let id = id_of(&first).await;
    database.psql(
        "CREATE FUNCTION hide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         NEW.last_heartbeat = clock_timestamp() - interval '1 hour'; RETURN NEW; END $$; \
         CREATE TRIGGER hide BEFORE UPDATE ON node_records FOR EACH ROW EXECUTE FUNCTION hide()",
    );
    eventually("the row to look old", TIMEOUT, async || {
        database.psql("SELECT clock_timestamp() - last_heartbeat > interval '1 hour' FROM node_records")
            == "t"
    })
    .await;
    let second = fixture.start(&[]);
    second.wait_for_line(&format!("node id {id} belongs to the current leader"), TIMEOUT).await;
    database.psql("DROP TRIGGER hide ON node_records");
    let line = second.wait_for_line("NODE_ID is not set: continuing as", TIMEOUT).await;
    assert!(line.contains(&format!("another process has the node id {id}")), "{line}");
    follows(&second, &id, 1).await;
    assert_eq!(fixture.ids().await.len(), 2);
    assert_eq!((first.exit_code(), second.exit_code()), (None, None));
}
