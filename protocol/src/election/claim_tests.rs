use super::*;
use crate::fixtures::{Fixture, leader, ms, process, row, snapshot, term};
use crate::snapshot::{EndReason, NodeRow, TermRow};

fn known(id: &str, skipped: bool) -> PeerView {
    PeerView {
        id: id.to_owned(),
        incarnation: process(id),
        heartbeat_seq: HeartbeatSeq::new(7),
        live: true,
        skipped,
    }
}

/// Node `b` sees the first snapshot and claims; its transaction reads the second.
fn check(known: Vec<PeerView>, seen: Fixture, read: Fixture) -> Result<(), ClaimRejected> {
    let (id, incarnation, timeout) = ("b".to_owned(), process("b"), ms(3200));
    let electorate = Electorate { id, incarnation, election_timeout: timeout, peers: known };
    Claim {
        incumbent: Snapshot::from(seen).incumbent(),
        electorate,
        min_term: Term::new(1),
        seq_floor: HeartbeatSeq::ZERO,
    }
    .check(&read.into())
}

fn led(seq: i64) -> Fixture {
    snapshot().open(1, "a").node(leader("a", 1, seq)).node(row("b", 0))
}

fn vacant() -> Fixture {
    snapshot().ended(1, "a", EndReason::Resigned).node(row("b", 0))
}

#[test]
fn a_claim_holds_while_the_leadership_is_the_very_version_that_ran_out() {
    assert_eq!(check(vec![], led(7), led(7)), Ok(()));
    assert_eq!(check(vec![], vacant(), vacant()), Ok(()));
    let another_process = NodeRow { incarnation: process("z"), ..leader("a", 1, 7) };
    for read in [
        led(8),
        vacant(),
        snapshot().node(row("b", 0)),
        snapshot().open(1, "a").node(row("b", 0)),
        snapshot().node(leader("a", 1, 7)).node(row("b", 0)),
        snapshot().open(2, "a").node(leader("a", 1, 7)).node(row("b", 0)),
        snapshot().open(1, "a").node(another_process).node(row("b", 0)),
    ] {
        assert_eq!(check(vec![], led(7), read), Err(ClaimRejected::IncumbentChanged));
    }
    assert_eq!(check(vec![], vacant(), led(7)), Err(ClaimRejected::IncumbentChanged));
}

#[test]
fn a_claim_gives_way_to_a_better_node_that_is_not_skipped() {
    let better = || vacant().node(row("a", 7));
    assert_eq!(check(vec![], vacant(), better()), Err(ClaimRejected::BetterCandidate("a".to_owned())));
    assert_eq!(
        check(vec![known("a", false)], better(), better()),
        Err(ClaimRejected::BetterCandidate("a".to_owned()))
    );
    assert_eq!(check(vec![known("a", true)], better(), better()), Ok(()));
    assert_eq!(check(vec![], vacant(), vacant().node(row("c", 7))), Ok(()));
}

#[test]
fn a_claim_needs_its_own_row_as_a_follower() {
    let others = NodeRow { incarnation: process("z"), ..row("b", 0) };
    let failing = NodeRow { eligible: false, ..row("b", 0) };
    let gone_on = row("b", 1);
    for rows in [snapshot(), snapshot().node(others), snapshot().node(failing), snapshot().node(gone_on)] {
        assert_eq!(check(vec![], snapshot(), rows), Err(ClaimRejected::OwnRowChanged));
    }
    let leading = || snapshot().node(leader("b", 3, 0));
    assert_eq!(check(vec![], leading(), leading()), Err(ClaimRejected::OwnRowChanged));
}

#[test]
fn a_claim_is_the_successors_first() {
    let to = |id: &str| TermRow {
        end_reason: Some(EndReason::Transferred),
        successor: Some(id.to_owned()),
        ..term(1, "z")
    };
    let rows = |id| snapshot().term(to(id)).node(row("a", 7)).node(row("b", 0)).node(row("c", 7));
    assert_eq!(check(vec![], rows("b"), rows("b")), Ok(()));
    assert_eq!(check(vec![], rows("c"), rows("c")), Err(ClaimRejected::BetterCandidate("c".to_owned())));
}
