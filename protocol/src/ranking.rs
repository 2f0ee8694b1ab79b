//! Who is to lead next.

use std::cmp::Reverse;
use std::time::Duration;

use super::snapshot::{NodeRow, Snapshot};
use super::term::{HeartbeatSeq, Incarnation};

/// What a node knows of another beyond the row itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PeerView {
    /// The other node.
    pub id: String,
    /// The process that was behind its row.
    pub incarnation: Incarnation,
    /// Its heartbeat counter.
    pub heartbeat_seq: HeartbeatSeq,
    /// Whether that row had moved within T.
    pub live: bool,
    /// Whether the node has let a vacancy stand for too long.
    pub skipped: bool,
}

/// The ground on which one node judges the others.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Electorate {
    /// The judging node.
    pub id: String,
    /// Its process.
    pub incarnation: Incarnation,
    /// T: a row that is seen for the first time counts as live up to this age.
    pub election_timeout: Duration,
    /// The others, as far as they were seen before.
    pub peers: Vec<PeerView>,
}

impl Electorate {
    /// The node that is to lead next: the ended term's successor, else the best-ranked eligible live node
    /// that is not passed over. None where not even the judging node stands.
    pub fn preferred_candidate<'a>(&self, view: &'a Snapshot) -> Option<&'a NodeRow> {
        let newest = view.newest_term().filter(|term| term.end_reason.is_some());
        let successor = newest.and_then(|term| term.successor.as_deref()).and_then(|id| view.node(id));
        successor
            .filter(|row| self.is_candidate(row))
            .or_else(|| view.nodes.iter().filter(|row| self.is_candidate(row)).min_by_key(|row| rank(row)))
    }

    /// A row that says leader does not stand: its lease has run out, or nobody would ask, and its node has to end
    /// that term before it can claim another. To wait for it would be to wait for a crashed leader to count as dead.
    fn is_candidate(&self, row: &NodeRow) -> bool {
        let counts = if row.id == self.id { row.incarnation == self.incarnation } else { self.counts(row) };
        row.eligible && !row.is_leader() && counts
    }

    fn counts(&self, row: &NodeRow) -> bool {
        match self.peers.iter().find(|peer| peer.id == row.id) {
            Some(peer) => {
                let moved = (peer.incarnation, peer.heartbeat_seq) != (row.incarnation, row.heartbeat_seq);
                (peer.live || moved) && !peer.skipped
            }
            None => row.heartbeat_age <= self.election_timeout,
        }
    }
}

/// Sorts the best first: the highest priority, then the lowest id.
pub fn rank(row: &NodeRow) -> (Reverse<i32>, &str) {
    (Reverse(row.priority), &row.id)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{Fixture, leader, ms, process, row, seq, term, view};
    use super::super::snapshot::{EndReason, TermRow};
    use super::*;

    fn contest<const N: usize>(known: [PeerView; N]) -> Electorate {
        let (id, incarnation, election_timeout) = ("b".to_owned(), process("b"), ms(3200));
        Electorate { id, incarnation, election_timeout, peers: known.into() }
    }

    fn known(id: &str, live: bool, skipped: bool) -> PeerView {
        PeerView { id: id.to_owned(), incarnation: process(id), heartbeat_seq: seq(1), live, skipped }
    }

    fn first<const N: usize>(known: [PeerView; N], view: Fixture) -> Option<String> {
        contest(known).preferred_candidate(&view.into()).map(|row| row.id.clone())
    }

    #[test]
    fn the_highest_priority_leads_and_ties_go_to_the_lower_id() {
        let priority = |id: &str, priority| NodeRow { priority, ..row(id, 1) };
        for (rows, expected) in [
            ([priority("a", 1), priority("b", 2), priority("c", 3)], "c"),
            ([priority("c", 1), priority("b", 1), priority("a", 1)], "a"),
            ([priority("a", -1), priority("b", i32::MIN), priority("c", -2)], "a"),
        ] {
            let view = rows.into_iter().fold(view(), |view, row| view.node(row));
            assert_eq!(first([], view).as_deref(), Some(expected));
        }
    }

    #[test]
    fn only_nodes_that_could_lead_are_waited_for() {
        let with_a = |a| view().node(a).node(row("b", 1));
        for (known, a, expected) in [
            (known("a", true, false), row("a", 1), "a"),
            (known("a", false, false), row("a", 1), "b"),
            (known("a", true, true), row("a", 1), "b"),
            // It has moved since.
            (known("a", false, false), row("a", 2), "a"),
            (known("a", false, true), row("a", 2), "b"),
            (known("a", true, false), NodeRow { eligible: false, ..row("a", 1) }, "b"),
            (known("a", true, false), leader("a", 1, 1), "b"),
            // Not known: by its age.
            (known("z", true, false), NodeRow { heartbeat_age: ms(3200), ..row("a", 1) }, "a"),
            (known("z", true, false), NodeRow { heartbeat_age: ms(3201), ..row("a", 1) }, "b"),
        ] {
            assert_eq!(first([known], with_a(a)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_own_row_stands_whatever_its_age_but_only_as_its_own() {
        let old = NodeRow { heartbeat_age: Duration::MAX, ..row("b", 1) };
        assert_eq!(first([], view().node(old)).as_deref(), Some("b"));
        let others = NodeRow { incarnation: process("z"), ..row("b", 1) };
        let failing = NodeRow { eligible: false, ..row("b", 1) };
        for own in [others, failing, leader("b", 1, 1)] {
            assert_eq!(first([], view().node(own)), None);
        }
    }

    #[test]
    fn the_successor_of_the_newest_term_comes_first_if_it_stands_and_the_term_has_ended() {
        let to_c = |number, ended| TermRow {
            end_reason: ended,
            successor: Some("c".to_owned()),
            ..term(number, "z")
        };
        let ended = Some(EndReason::Transferred);
        for (terms, skipped, expected) in [
            (vec![to_c(1, ended)], false, "c"),
            (vec![to_c(1, ended)], true, "a"),
            (vec![to_c(1, None)], false, "a"),
            // It had its turn: a newer term has ended since.
            (vec![to_c(1, ended), TermRow { end_reason: ended, ..term(2, "c") }], false, "a"),
        ] {
            let rows = terms.into_iter().fold(view(), Fixture::term);
            let rows = rows.node(row("a", 1)).node(row("b", 1)).node(row("c", 1));
            let known = [known("c", true, skipped)];
            assert_eq!(first(known, rows).as_deref(), Some(expected));
        }
    }
}
