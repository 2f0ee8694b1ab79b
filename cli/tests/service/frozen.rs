//! A leader whose process is frozen for longer than its lease.

use testkit::{Postgres, Signal, eventually};

use crate::node::{Fixture, TIMEOUT, follows, leads};

#[tokio::test]
async fn a_leader_frozen_past_its_lease_has_lost_its_leadership() {
    let database = Postgres::shared().database("frozen");
    for fixture in [Fixture::fast(), Fixture::on(&database.url())] {
        let frozen = fixture.node("node-1", 100);
        leads(&frozen, 1).await;
        let other = fixture.node("node-2", 50);
        follows(&other, "node-1", 1).await;

        // Freeze it right after a heartbeat: on SQLite, a process frozen in a transaction blocks every other.
        let heartbeat_seq = async || {
            fixture.query("SELECT CAST(heartbeat_seq AS text) FROM node_records WHERE id = 'node-1'").await
        };
        let before = heartbeat_seq().await;
        eventually("a heartbeat", TIMEOUT, async || heartbeat_seq().await != before).await;
        frozen.signal(Signal::STOP);
        other.wait_for_line("node-1 silent for ", TIMEOUT).await;
        leads(&other, 2).await;
        let before = frozen.lines().len();
        frozen.signal(Signal::CONT);
        let (next, _) = frozen.wait_for_line_after(before, "node-1 lost leadership of term 1", TIMEOUT).await;
        // The step it was frozen in fails after the lease has ended: the log must not say that the lease still runs.
        assert!(!frozen.output().contains("the lease still runs"), "{}", frozen.output());
        frozen.wait_for_line_after(next, "follows node-2 (term 2)", TIMEOUT).await;

        // The node with the lower priority still leads. When it stops, the other leads again.
        assert_eq!(fixture.terms().await, ["1 node-1 expired", "2 node-2 open"]);
        other.signal(Signal::TERM);
        leads(&frozen, 3).await;
        assert_eq!(fixture.terms().await, ["1 node-1 expired", "2 node-2 resigned", "3 node-1 open"]);
        let overlaps = fixture
            .query(
                "SELECT CAST(n.term AS text) FROM election_terms o JOIN election_terms n ON n.term = o.term + 1 \
                 WHERE n.started_at < o.ended_at",
            )
            .await;
        assert!(overlaps.is_empty(), "{overlaps:?}");
    }
}
