//! What goes into the rules and what comes out of them.

use std::time::Duration;

use super::ranking::Contest;
use super::rows::{EndReason, Incarnation, Incumbent, View};
use super::time::Time;

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// Time has passed.
    Tick,
    /// A database step came back, or failed in whatever way: its effect is then unknown.
    Reply {
        /// Which step.
        token: u64,
        /// What it said; none where it failed.
        reply: Option<Reply>,
    },
    /// Something changed in the database, or a notification may have been missed.
    Wake,
    /// The process wants to end.
    Stop,
}

/// Something to be done.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Command {
    /// Carry out a database step. It takes the place of any step under way, whose reply no longer matters.
    Send {
        /// Comes back with the reply.
        token: u64,
        /// The step.
        request: Request,
        /// When to give up.
        limit: Duration,
    },
    /// Tell the application and the log.
    Announce(Change),
    /// Nothing more will come of this machine.
    End(Outcome),
}

/// One database step: one statement or one transaction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Request {
    /// Insert the own row as a follower, or take it over from another incarnation.
    Register {
        /// From whom.
        take_over: Option<TakeOver>,
    },
    /// Count the own row's heartbeats up, in the role this node believes to have.
    Heartbeat {
        /// The term being renewed; none for a follower.
        term: Option<i64>,
        /// Whether the follower sees a vacancy (its row then says candidate).
        candidate: bool,
        /// The counter becomes one more than this, and no two requests of a process are given the same: whatever a
        /// database forgot, no version is written twice. A row that has gone further shows that this request is
        /// late; it does nothing then.
        floor: i64,
    },
    /// Look.
    Observe {
        /// Terms whose rows are wanted besides the open and the newest one.
        terms: Vec<i64>,
    },
    /// Try to become leader.
    Claim(Claim),
    /// End a term of the own incarnation and demote the own row, whichever of the two is still there.
    EndTerm {
        /// Which.
        term: i64,
        /// Why.
        reason: EndReason,
    },
    /// Delete the own row.
    Leave {
        /// End any term of the own incarnation first, in the same transaction, for this reason. None where there is none
        /// as far as the node knows; should its row say leader all the same, the term has lapsed.
        end: Option<EndReason>,
    },
    /// Delete rows of nodes long gone, and old terms.
    Cleanup {
        /// How long without a heartbeat, on the database's clock.
        older_than: Duration,
    },
}

/// Whose row is taken over.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum TakeOver {
    /// A row that is not the leader's.
    Follower(Incarnation),
    /// The leader's row, its lease having run out: its term is ended in the same transaction.
    Leader {
        /// The process behind the row.
        incarnation: Incarnation,
        /// The leadership in the version that ran out.
        incumbent: Incumbent,
    },
}

/// What a claim rests on. The transaction reads everything again and gives up unless it still holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// The leadership observed to be over, in that very version.
    pub incumbent: Incumbent,
    /// The ground on which this node is the first in line.
    pub contest: Contest,
    /// The new term is higher than this and than every term in either table.
    pub floor: i64,
    /// The own row's heartbeat counter becomes one more than this, as by a heartbeat: no two leaderships begin in the
    /// same version, even where the database forgot the first.
    pub beats: i64,
}

/// Why a claim gave up.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Lost {
    /// The leadership is no longer the one observed.
    Moved,
    /// This node should lead instead.
    Better(String),
    /// The claiming node's own row is not what it should be.
    Unregistered,
    /// Another claim committed first.
    Raced,
}

impl Claim {
    /// Whether the claim still holds in what the transaction reads after it has taken the election's lock.
    ///
    /// # Errors
    /// What has changed.
    pub fn check(&self, view: &View) -> Result<(), Lost> {
        if view.incumbent() != self.incumbent {
            return Err(Lost::Moved);
        }
        let own = view.node(&self.contest.id).filter(|row| row.incarnation == self.contest.incarnation);
        // A row that has gone further shows that this claim is late: its node has given it up.
        if own.is_none_or(|row| row.leading || self.beats < row.seq) {
            return Err(Lost::Unregistered);
        }
        match self.contest.first_in_line(view) {
            Some(first) if first.id == self.contest.id => Ok(()),
            Some(first) => Err(Lost::Better(first.id.clone())),
            None => Err(Lost::Unregistered),
        }
    }
}

/// What a database step said.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Reply {
    /// The row is this incarnation's, with this heartbeat counter.
    Registered {
        /// The counter.
        seq: i64,
    },
    /// The row belongs to another incarnation.
    Occupied {
        /// Whose it is.
        incarnation: Incarnation,
        /// Whether it is the leader's: it says so, or the open term is that incarnation's.
        leading: bool,
    },
    /// The heartbeat's row, bound to what the node believes: none is no row.
    Beat {
        /// The counter it was set to.
        seq: Option<i64>,
    },
    /// The look.
    View(View),
    /// The claim succeeded.
    Claimed {
        /// The new term.
        term: i64,
    },
    /// The claim gave up.
    Lost(Lost),
    /// No open term of that number and this incarnation is left, and the own row does not say leader.
    TermEnded,
    /// The own row is gone.
    Left,
    /// What the cleanup deleted.
    Cleaned {
        /// Node rows.
        nodes: u64,
        /// Term rows.
        terms: u64,
    },
}

/// A change that the application or an operator wants to hear of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Change {
    /// The own row is there.
    Registered {
        /// Whether it was taken over from another incarnation.
        taken_over: bool,
        /// Whether it had been there before and had gone.
        again: bool,
    },
    /// The id's row belongs to a leader that is another process; this one waits for the end of its lease.
    Waiting {
        /// When that lease runs out, if it is not renewed.
        until: Time,
    },
    /// This node leads.
    Leading {
        /// The term.
        term: i64,
        /// How long there was no leader, as far as this node could see: since the last sign of life of one
        /// that vanished, or since the term was seen to have ended.
        leaderless: Option<Duration>,
    },
    /// This node leads no more.
    Followed {
        /// The term that is over.
        term: i64,
        /// Why.
        cause: Cause,
    },
    /// A claim gave up.
    ClaimLost(Lost),
    /// The cleanup deleted something.
    Cleaned {
        /// Node rows.
        nodes: u64,
        /// Term rows.
        terms: u64,
    },
}

/// Why a node leads no more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// It was stopped.
    Stopped,
    /// It could not renew before its lease ran out.
    Lapsed,
    /// Its term was ended by somebody else, or its row no longer says that it leads.
    Deposed,
    /// Another process took its id.
    Replaced,
}

/// How a machine ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// Stopped as asked; `clean` unless the database could not be told in time.
    Stopped {
        /// Whether the own row and term are known to be gone.
        clean: bool,
    },
    /// Another process took the node's id.
    Replaced,
}

#[cfg(test)]
mod tests {
    use super::super::ranking::Known;
    use super::super::rows::{NodeRow, TermRow};
    use super::super::sketch::{Sketch, leader, ms, process, row, term, view};
    use super::*;

    fn known(id: &str, passed_over: bool) -> Known {
        Known { id: id.to_owned(), incarnation: process(id), seq: 7, live: true, passed_over }
    }

    /// `b` claims, having seen this, and then reads that.
    fn check(known: Vec<Known>, seen: Sketch, read: Sketch) -> Result<(), Lost> {
        let (id, incarnation, timeout) = ("b".to_owned(), process("b"), ms(3200));
        let contest = Contest { id, incarnation, timeout, known };
        Claim { incumbent: View::from(seen).incumbent(), contest, floor: 1, beats: 0 }.check(&read.into())
    }

    fn led(seq: i64) -> Sketch {
        view().open(1, "a").node(leader("a", 1, seq)).node(row("b", 0))
    }

    fn vacant() -> Sketch {
        view().ended(1, "a", EndReason::Resigned).node(row("b", 0))
    }

    #[test]
    fn a_claim_holds_while_the_leadership_is_the_very_version_that_ran_out() {
        assert_eq!(check(vec![], led(7), led(7)), Ok(()));
        assert_eq!(check(vec![], vacant(), vacant()), Ok(()));
        let another_process = NodeRow { incarnation: process("z"), ..leader("a", 1, 7) };
        for read in [
            led(8),
            vacant(),
            view().node(row("b", 0)),
            view().open(1, "a").node(row("b", 0)),
            view().node(leader("a", 1, 7)).node(row("b", 0)),
            view().open(2, "a").node(leader("a", 1, 7)).node(row("b", 0)),
            view().open(1, "a").node(another_process).node(row("b", 0)),
        ] {
            assert_eq!(check(vec![], led(7), read), Err(Lost::Moved));
        }
        assert_eq!(check(vec![], vacant(), led(7)), Err(Lost::Moved));
    }

    #[test]
    fn a_claim_gives_way_to_a_better_node_that_is_not_passed_over() {
        let better = || vacant().node(row("a", 7));
        assert_eq!(check(vec![], vacant(), better()), Err(Lost::Better("a".to_owned())));
        assert_eq!(check(vec![known("a", false)], better(), better()), Err(Lost::Better("a".to_owned())));
        assert_eq!(check(vec![known("a", true)], better(), better()), Ok(()));
        assert_eq!(check(vec![], vacant(), vacant().node(row("c", 7))), Ok(()));
    }

    #[test]
    fn a_claim_needs_its_own_row_as_a_follower() {
        let others = NodeRow { incarnation: process("z"), ..row("b", 0) };
        let failing = NodeRow { eligible: false, ..row("b", 0) };
        let gone_on = row("b", 1);
        for rows in [view(), view().node(others), view().node(failing), view().node(gone_on)] {
            assert_eq!(check(vec![], view(), rows), Err(Lost::Unregistered));
        }
        let leading = || view().node(leader("b", 3, 0));
        assert_eq!(check(vec![], leading(), leading()), Err(Lost::Unregistered));
    }

    #[test]
    fn a_claim_is_the_successors_first() {
        let to = |id: &str| TermRow {
            ended: Some(EndReason::Transferred),
            successor: Some(id.to_owned()),
            ..term(1, "z")
        };
        let rows = |id| view().term(to(id)).node(row("a", 7)).node(row("b", 0)).node(row("c", 7));
        assert_eq!(check(vec![], rows("b"), rows("b")), Ok(()));
        assert_eq!(check(vec![], rows("c"), rows("c")), Err(Lost::Better("c".to_owned())));
    }
}
