//! Who is to lead next.

use std::cmp::Reverse;
use std::time::Duration;

use super::rows::{Incarnation, NodeRow, View};

/// What a node knows of another beyond the row itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Known {
    /// The other node.
    pub id: String,
    /// The process that was behind its row.
    pub incarnation: Incarnation,
    /// Its heartbeat counter.
    pub seq: i64,
    /// Whether that row had moved within T.
    pub live: bool,
    /// Whether the node has let a vacancy stand for too long.
    pub passed_over: bool,
}

/// The ground on which one node judges the others.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Contest {
    /// The judging node.
    pub id: String,
    /// Its process.
    pub incarnation: Incarnation,
    /// T: a row that is seen for the first time counts as live up to this age.
    pub timeout: Duration,
    /// The others, as far as they were seen before.
    pub known: Vec<Known>,
}

impl Contest {
    /// The node that is to lead next: the ended term's successor, else the best-ranked eligible live node
    /// that is not passed over. None where not even the judging node stands.
    pub fn first_in_line<'a>(&self, view: &'a View) -> Option<&'a NodeRow> {
        let newest = view.newest().filter(|term| term.ended.is_some());
        let successor = newest.and_then(|term| term.successor.as_deref()).and_then(|id| view.node(id));
        successor
            .filter(|row| self.stands(row))
            .or_else(|| view.nodes.iter().filter(|row| self.stands(row)).min_by_key(|row| rank(row)))
    }

    /// A row that says leader does not stand: its lease has run out, or nobody would ask, and its node has to end
    /// that term before it can claim another. To wait for it would be to wait for a crashed leader to count as dead.
    fn stands(&self, row: &NodeRow) -> bool {
        let counts = if row.id == self.id { row.incarnation == self.incarnation } else { self.counts(row) };
        row.eligible && !row.leading && counts
    }

    fn counts(&self, row: &NodeRow) -> bool {
        match self.known.iter().find(|known| known.id == row.id) {
            Some(known) => {
                let moved = (known.incarnation, known.seq) != (row.incarnation, row.seq);
                (known.live || moved) && !known.passed_over
            }
            None => row.age <= self.timeout,
        }
    }
}

/// Sorts the best first: the highest priority, then the lowest id.
pub fn rank(row: &NodeRow) -> (Reverse<i32>, &str) {
    (Reverse(row.priority), &row.id)
}

#[cfg(test)]
mod tests {
    use super::super::rows::{EndReason, TermRow};
    use super::super::sketch::{Sketch, leader, ms, process, row, term, view};
    use super::*;

    fn contest<const N: usize>(known: [Known; N]) -> Contest {
        let (id, incarnation, timeout) = ("b".to_owned(), process("b"), ms(3200));
        Contest { id, incarnation, timeout, known: known.into() }
    }

    fn known(id: &str, live: bool, passed_over: bool) -> Known {
        Known { id: id.to_owned(), incarnation: process(id), seq: 1, live, passed_over }
    }

    fn first<const N: usize>(known: [Known; N], view: Sketch) -> Option<String> {
        contest(known).first_in_line(&view.into()).map(|row| row.id.clone())
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
            (known("z", true, false), NodeRow { age: ms(3200), ..row("a", 1) }, "a"),
            (known("z", true, false), NodeRow { age: ms(3201), ..row("a", 1) }, "b"),
        ] {
            assert_eq!(first([known], with_a(a)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_own_row_stands_whatever_its_age_but_only_as_its_own() {
        let old = NodeRow { age: Duration::MAX, ..row("b", 1) };
        assert_eq!(first([], view().node(old)).as_deref(), Some("b"));
        let others = NodeRow { incarnation: process("z"), ..row("b", 1) };
        let failing = NodeRow { eligible: false, ..row("b", 1) };
        for own in [others, failing, leader("b", 1, 1)] {
            assert_eq!(first([], view().node(own)), None);
        }
    }

    #[test]
    fn the_successor_of_the_newest_term_comes_first_if_it_stands_and_the_term_has_ended() {
        let to_c = |number, ended| TermRow { ended, successor: Some("c".to_owned()), ..term(number, "z") };
        let ended = Some(EndReason::Transferred);
        for (terms, passed_over, expected) in [
            (vec![to_c(1, ended)], false, "c"),
            (vec![to_c(1, ended)], true, "a"),
            (vec![to_c(1, None)], false, "a"),
            // It had its turn: a newer term has ended since.
            (vec![to_c(1, ended), TermRow { ended, ..term(2, "c") }], false, "a"),
        ] {
            let rows = terms.into_iter().fold(view(), Sketch::term);
            let rows = rows.node(row("a", 1)).node(row("b", 1)).node(row("c", 1));
            let known = [known("c", true, passed_over)];
            assert_eq!(first(known, rows).as_deref(), Some(expected));
        }
    }
}
