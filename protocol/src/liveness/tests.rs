use super::*;
use crate::fixtures::{H, at, ms, row, snapshot, timing};
use crate::snapshot::NodeRow;

/// Node `b` reads a snapshot.
fn observe<const N: usize>(peers: &mut Peers, now: u64, rows: [NodeRow; N]) {
    let view = rows.into_iter().fold(snapshot(), |view, row| view.node(row));
    peers.observe(at(now), &view.into(), "b", &timing());
}

/// In a vacancy, `b` reads a snapshot and waits for `a`. Returns whether `a` is skipped.
fn wait(peers: &mut Peers, now: u64, seq: i64) -> bool {
    observe(peers, now, [row("a", seq)]);
    peers.begin_vacancy(&timing());
    peers.skip_if_overdue("a", &timing(), &Rules::SAFE)
}

fn live(peers: &Peers) -> bool {
    peers.known(&timing())[0].live
}

#[test]
fn a_node_whose_lease_was_waited_out_is_live_again_only_once_it_moves() {
    let mut peers = Peers::default();
    observe(&mut peers, 0, [row("a", 1)]);
    observe(&mut peers, 800, [row("a", 1)]);
    peers.mark_dead("a", Incarnation(99));
    assert!(live(&peers), "another process was marked dead");
    peers.mark_dead("a", row("a", 1).incarnation);
    assert!(!live(&peers));
    observe(&mut peers, 900, [row("a", 2)]);
    peers.mark_dead("a", row("a", 1).incarnation);
    assert!(live(&peers), "it moved in this very snapshot");
}

#[test]
fn a_row_is_live_while_it_has_moved_within_t() {
    let mut peers = Peers::default();
    for now in (0..=3200).step_by(800) {
        observe(&mut peers, now, [row("a", 1)]);
        assert!(live(&peers), "{now}");
    }
    observe(&mut peers, 3300, [row("a", 1)]);
    assert!(!live(&peers));
    observe(&mut peers, 3400, [row("a", 2)]);
    assert!(live(&peers));
    // A new process behind the row is movement, too.
    let mut peers = Peers::default();
    observe(&mut peers, 0, [NodeRow { heartbeat_age: ms(5000), ..row("a", 1) }]);
    assert!(!live(&peers));
    observe(&mut peers, 1, [NodeRow { incarnation: Incarnation(99), ..row("a", 1) }]);
    assert!(live(&peers));
}

#[test]
fn time_without_a_snapshot_counts_as_one_interval_at_most() {
    let mut peers = Peers::default();
    observe(&mut peers, 0, [row("a", 1)]);
    for now in [60_000, 120_000, 180_000] {
        observe(&mut peers, now, [row("a", 1)]);
        assert!(live(&peers), "{now}");
    }
    observe(&mut peers, 240_000, [row("a", 1)]);
    assert!(!live(&peers));
}

#[test]
fn an_age_however_great_overflows_nothing() {
    let mut peers = Peers::default();
    observe(&mut peers, 0, [NodeRow { heartbeat_age: Duration::MAX, ..row("a", 1) }]);
    observe(&mut peers, 900, [row("a", 1)]);
    assert!(!live(&peers));
}

#[test]
fn staleness_counts_from_the_beginning_of_the_vacancy_and_half_an_interval_before() {
    for (seen_from, skipped_at) in [(0, 5 * H / 4), (H / 4, H), (H / 2, 3 * H / 4), (H, 3 * H / 4)] {
        let mut peers = Peers::default();
        for now in (10 * H - seen_from..=10 * H).step_by(100) {
            observe(&mut peers, now, [row("a", 1)]);
        }
        for now in 0..skipped_at {
            assert!(!wait(&mut peers, 10 * H + now, 1), "{now} of {skipped_at}");
        }
        assert!(wait(&mut peers, 10 * H + skipped_at, 1), "{seen_from}");
        assert!(peers.known(&timing())[0].skipped);
    }
}

#[test]
fn nothing_before_the_vacancy_counts_when_a_step_failed_since() {
    let mut peers = Peers::default();
    observe(&mut peers, 0, [row("a", 1)]);
    peers.note_failed_step();
    assert!(!wait(&mut peers, 900, 1));
    assert!(!wait(&mut peers, 900 + H, 1));
    assert!(wait(&mut peers, 900 + 5 * H / 4, 1));
}

#[test]
fn movement_restarts_the_count_of_staleness_but_not_that_of_being_preferred() {
    let mut peers = Peers::default();
    for (now, seq) in [(0, 1), (900, 1), (950, 2), (1800, 2), (1850, 3)] {
        assert!(!wait(&mut peers, now, seq), "{now}");
    }
    assert!(wait(&mut peers, 2 * H, 3));
}

#[test]
fn only_the_preferred_candidate_is_skipped() {
    let mut peers = Peers::default();
    for now in (0..8000).step_by(500) {
        // Node `c` is waited for. Node `a` moves all the time and is not preferred.
        let seq = i64::try_from(now).unwrap();
        observe(&mut peers, now, [row("a", seq), row("c", seq)]);
        peers.begin_vacancy(&timing());
        peers.skip_if_overdue("c", &timing(), &Rules::SAFE);
    }
    let skipped = |known: &PeerView| known.skipped;
    assert_eq!(peers.known(&timing()).iter().map(skipped).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn what_was_learned_in_a_vacancy_is_kept_until_it_ends_even_without_the_row() {
    let mut peers = Peers::default();
    wait(&mut peers, 0, 1);
    wait(&mut peers, 900, 1);
    assert!(wait(&mut peers, 1600, 1));
    observe(&mut peers, 1700, []);
    observe(&mut peers, 1800, [row("a", 2)]);
    assert!(peers.known(&timing())[0].skipped);
    peers.end_vacancy();
    assert!(!peers.known(&timing())[0].skipped);
    observe(&mut peers, 1900, []);
    assert!(peers.known(&timing()).is_empty());
}

#[test]
fn how_long_a_node_was_preferred_is_kept_while_its_row_is_not_shown() {
    let mut peers = Peers::default();
    assert!(!wait(&mut peers, 0, 1));
    assert!(!wait(&mut peers, 900, 2));
    observe(&mut peers, 1000, []);
    // 900 of 2 H have passed.
    for (now, seq) in [(1100, 3), (2000, 4)] {
        assert!(!wait(&mut peers, now, seq), "{now}");
    }
    assert!(wait(&mut peers, 2200, 5));
}

#[test]
fn a_node_that_was_skipped_without_having_been_preferred_stays_skipped_while_its_row_is_not_shown() {
    let mut peers = Peers::default();
    for now in [0, 900, 1800] {
        observe(&mut peers, now, [row("a", 1)]);
        peers.begin_vacancy(&timing());
    }
    assert!(peers.skip_if_overdue("a", &timing(), &Rules::SAFE));
    observe(&mut peers, 1900, []);
    assert!(peers.known(&timing())[0].skipped);
}
