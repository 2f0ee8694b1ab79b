use super::*;
use crate::fixtures::{Fixture, leader, ms, process, row, seq, snapshot, term};
use crate::snapshot::{EndReason, TermRow};

fn electorate<const N: usize>(known: [PeerView; N]) -> Electorate {
    let (id, incarnation, election_timeout) = ("b".to_owned(), process("b"), ms(3200));
    Electorate { id, incarnation, election_timeout, peers: known.into() }
}

fn known(id: &str, live: bool, skipped: bool) -> PeerView {
    PeerView { id: id.to_owned(), incarnation: process(id), heartbeat_seq: seq(1), live, skipped }
}

fn first<const N: usize>(known: [PeerView; N], view: Fixture) -> Option<String> {
    electorate(known).preferred_candidate(&view.into()).map(|row| row.id.clone())
}

#[test]
fn the_highest_priority_leads_and_ties_go_to_the_lower_id() {
    let priority = |id: &str, priority| NodeRow { priority, ..row(id, 1) };
    for (rows, expected) in [
        ([priority("a", 1), priority("b", 2), priority("c", 3)], "c"),
        ([priority("c", 1), priority("b", 1), priority("a", 1)], "a"),
        ([priority("a", -1), priority("b", i32::MIN), priority("c", -2)], "a"),
    ] {
        let view = rows.into_iter().fold(snapshot(), |view, row| view.node(row));
        assert_eq!(first([], view).as_deref(), Some(expected));
    }
}

#[test]
fn only_nodes_that_could_lead_are_waited_for() {
    let with_a = |a| snapshot().node(a).node(row("b", 1));
    for (known, a, expected) in [
        (known("a", true, false), row("a", 1), "a"),
        (known("a", false, false), row("a", 1), "b"),
        (known("a", true, true), row("a", 1), "b"),
        // The row has moved since.
        (known("a", false, false), row("a", 2), "a"),
        (known("a", false, true), row("a", 2), "b"),
        (known("a", true, false), NodeRow { eligible: false, ..row("a", 1) }, "b"),
        (known("a", true, false), leader("a", 1, 1), "b"),
        // The peer is unknown, so its row's age counts.
        (known("z", true, false), NodeRow { heartbeat_age: ms(3200), ..row("a", 1) }, "a"),
        (known("z", true, false), NodeRow { heartbeat_age: ms(3201), ..row("a", 1) }, "b"),
    ] {
        assert_eq!(first([known], with_a(a)).as_deref(), Some(expected));
    }
}

#[test]
fn its_own_row_is_a_candidate_at_any_age_but_only_as_its_own() {
    let old = NodeRow { heartbeat_age: Duration::MAX, ..row("b", 1) };
    assert_eq!(first([], snapshot().node(old)).as_deref(), Some("b"));
    let others = NodeRow { incarnation: process("z"), ..row("b", 1) };
    let failing = NodeRow { eligible: false, ..row("b", 1) };
    for own in [others, failing, leader("b", 1, 1)] {
        assert_eq!(first([], snapshot().node(own)), None);
    }
}

#[test]
fn the_successor_of_the_newest_term_comes_first_if_it_is_a_candidate_and_the_term_has_ended() {
    let to_c =
        |number, ended| TermRow { end_reason: ended, successor: Some("c".to_owned()), ..term(number, "z") };
    let ended = Some(EndReason::Transferred);
    for (terms, skipped, expected) in [
        (vec![to_c(1, ended)], false, "c"),
        (vec![to_c(1, ended)], true, "a"),
        (vec![to_c(1, None)], false, "a"),
        // Node `c` has led: a newer term has ended since.
        (vec![to_c(1, ended), TermRow { end_reason: ended, ..term(2, "c") }], false, "a"),
    ] {
        let rows = terms.into_iter().fold(snapshot(), Fixture::term);
        let rows = rows.node(row("a", 1)).node(row("b", 1)).node(row("c", 1));
        let known = [known("c", true, skipped)];
        assert_eq!(first(known, rows).as_deref(), Some(expected));
    }
}
