//! A leader that stands still for longer than its lease.

use testkit::{Postgres, Signal, eventually};

use crate::node::{Fixture, PATIENCE, follows, leads};

#[tokio::test]
async fn a_leader_that_was_frozen_past_its_lease_leads_no_more() {
    let database = Postgres::shared().database("frozen");
    for fixture in [Fixture::fast(), Fixture::on(&database.url())] {
        let frozen = fixture.node("node-1", 100);
        leads(&frozen, 1).await;
        let other = fixture.node("node-2", 50);
        follows(&other, "node-1", 1).await;

        // Right after a heartbeat: on SQLite, a process that is frozen in a transaction holds everybody up.
        let beat = async || {
            fixture.query("SELECT CAST(heartbeat_seq AS text) FROM node_records WHERE id = 'node-1'").await
        };
        let now = beat().await;
        eventually("a heartbeat", PATIENCE, async || beat().await != now).await;
        frozen.signal(Signal::STOP);
        other.wait_for_line("node-1 silent for ", PATIENCE).await;
        leads(&other, 2).await;
        let before = frozen.lines().len();
        frozen.signal(Signal::CONT);
        let (next, _) =
            frozen.wait_for_line_after(before, "node-1 lost leadership of term 1", PATIENCE).await;
        // The step it was frozen in may have been the first to fail: nothing is said of a lease that is over.
        assert!(!frozen.output().contains("the lease still runs"), "{}", frozen.output());
        frozen.wait_for_line_after(next, "follows node-2 (term 2)", PATIENCE).await;

        // The one with the lower priority goes on leading, and when it ends the other is back in service.
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
