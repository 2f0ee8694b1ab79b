//! What a look at the database changes.

use super::super::message::{Change, Claim, Command, LossReason, TakeOver};
use super::super::ranking::Electorate;
use super::super::snapshot::{EndReason, Snapshot};
use super::super::time::Time;
use super::{EndedTerm, Joining, Machine, ObservedLeader, Phase, Unheld};

impl Machine {
    pub(super) fn looked(&mut self, now: Time, view: &Snapshot, out: &mut Vec<Command>) {
        self.learn(now, view);
        self.claim_unknown = false;
        match self.phase {
            Phase::Joining(Joining::Waiting(_)) => self.wait_for_own_row(now, view, out),
            Phase::Joined => self.take_part(now, view, out),
            Phase::Joining(Joining::Register(_)) | Phase::Leaving { .. } | Phase::Ended => {}
        }
    }

    /// The id's row is another process's that leads: wait for the end of its lease, then take the row over.
    fn wait_for_own_row(&mut self, now: Time, view: &Snapshot, out: &mut Vec<Command>) {
        let take_over = match view.node(&self.node.id) {
            None => None,
            Some(row) if row.incarnation == self.node.incarnation => None,
            Some(row)
                if !row.is_leader()
                    && view.open_term().is_none_or(|term| term.incarnation != row.incarnation) =>
            {
                Some(TakeOver::Follower(row.incarnation))
            }
            Some(row) => match self.observations.in_force(now) {
                Some(lease) => {
                    out.push(Command::Announce(Change::IdHeldByLeader { until: lease.expires }));
                    self.look_at = Some(lease.expires.min(now + self.timing.heartbeat_interval()));
                    self.phase = Phase::Joining(Joining::Waiting(row.incarnation));
                    return;
                }
                None => Some(TakeOver::Leader { incarnation: row.incarnation, incumbent: view.incumbent() }),
            },
        };
        self.phase = Phase::Joining(Joining::Register(take_over));
    }

    fn take_part(&mut self, now: Time, view: &Snapshot, out: &mut Vec<Command>) {
        let own_open = view.open_term().filter(|term| term.incarnation == self.node.incarnation);
        let Some(own) = view.node(&self.node.id) else {
            // Somebody deleted the row. Without it nothing can be renewed.
            self.step_down(now, LossReason::Deposed, EndReason::Lapsed, out);
            self.phase = Phase::Joining(Joining::Register(None));
            return;
        };
        if own.incarnation != self.node.incarnation {
            return self.replaced(now, own_open.map(|_| EndReason::Replaced), out);
        }
        if let Some(lease) = self.lease {
            let held = view
                .leader()
                .is_some_and(|row| (row.incarnation, row.term) == (self.node.incarnation, lease.term));
            if !held {
                self.step_down(now, LossReason::Deposed, EndReason::Lapsed, out);
            }
            self.next_leader = self.line_behind(view, &self.node.id).map(str::to_owned);
            return;
        }
        if own_open.is_some() || own.is_leader() {
            // A term of this incarnation that it does not hold: the claim whose reply was lost.
            let term = own_open.map_or(own.term, |term| term.term);
            self.unheld = Some(Unheld { term, reason: EndReason::Lapsed });
            self.vacant = false;
            return;
        }
        self.note_leader(now, view);
        match self.observations.in_force(now) {
            Some(lease) => {
                if lease.renewed {
                    // What made this node slow in an earlier vacancy says nothing about the next one.
                    self.hesitations = 0;
                    self.peers.settled();
                }
                let (seen_at, expires) = (lease.seen_at, lease.expires);
                self.vacant = false;
                self.look_at = Some(self.look_at.map_or(expires, |at| at.min(expires)));
                self.next_leader = self.line_behind(view, &lease.leader_id).map(str::to_owned);
                self.mind_silence(now, seen_at, expires);
            }
            None => {
                self.overdue = None;
                self.stand(now, view);
            }
        }
    }

    /// A leader that has not moved for about an interval is looked at once more, so that its silence is noticed
    /// before its lease runs out. Where that look finds that it moved, the two nodes' heartbeats fall together: this
    /// node's next one comes a little later, once, so that they part and the extra look is not needed again.
    fn mind_silence(&mut self, now: Time, seen_at: Time, expires: Time) {
        let tenth = self.timing.heartbeat_interval() / 10;
        let overdue = self.overdue.take();
        if now < seen_at + 9 * tenth {
            if overdue.is_some() {
                self.heartbeat_at = self.heartbeat_at + tenth;
            }
            return;
        }
        let again = (seen_at + 12 * tenth).min(expires);
        if now < again {
            self.overdue = Some(seen_at);
            self.look_at = Some(self.look_at.map_or(again, |at| at.min(again)));
        }
    }

    /// In a vacancy: claim if it is this node's turn, else wait for the one whose turn it is.
    fn stand(&mut self, now: Time, view: &Snapshot) {
        self.vacant = true;
        self.peers.vacant(&self.timing);
        let heartbeat = self.timing.heartbeat_interval();
        let again = now + self.jitter.between(heartbeat / 10, heartbeat / 5);
        self.look_at = Some(self.look_at.map_or(again, |at| at.min(again)));
        loop {
            let electorate = self.electorate();
            let first = electorate.preferred_candidate(view);
            self.next_leader = first.map(|row| row.id.clone());
            match first {
                None => return,
                Some(row) if row.id == self.node.id => {
                    if self.stand_from <= now {
                        let incumbent = view.incumbent();
                        let (min_term, seq_floor) = (self.highest_term, self.beats);
                        self.beats = self.beats.next();
                        self.claim = Some(Claim { incumbent, electorate, min_term, seq_floor });
                    } else {
                        self.look_at = Some(self.stand_from.min(again));
                    }
                    return;
                }
                Some(row) if self.peers.wait_for(&row.id, &self.timing) => {}
                Some(_) => return,
            }
        }
    }

    fn electorate(&self) -> Electorate {
        Electorate {
            id: self.node.id.clone(),
            incarnation: self.node.incarnation,
            election_timeout: self.timing.election_timeout(),
            peers: self.peers.known(&self.timing),
        }
    }

    /// Who would lead if the leader were gone.
    fn line_behind<'a>(&self, view: &'a Snapshot, leader: &str) -> Option<&'a str> {
        let others = Snapshot {
            terms: Vec::new(),
            nodes: view.nodes.iter().filter(|row| row.id != leader).cloned().collect(),
        };
        let next = self.electorate().preferred_candidate(&others)?.id.clone();
        view.node(&next).map(|row| row.id.as_str())
    }

    /// Keeps what is told about leaders: whose lease is in force, and how the last one ended.
    fn note_leader(&mut self, now: Time, view: &Snapshot) {
        let before = self.seen_leader.take();
        self.seen_leader = self.observations.in_force(now).map(|lease| ObservedLeader {
            id: lease.leader_id.clone(),
            leadership: lease.leadership,
            seen_at: lease.seen_at,
            expires: lease.expires,
        });
        let Some(before) = before
            .filter(|before| self.seen_leader.as_ref().map(|now| now.leadership) != Some(before.leadership))
        else {
            return;
        };
        let ended = view
            .terms
            .iter()
            .find(|term| term.leadership() == before.leadership)
            .and_then(|term| term.end_reason);
        // A leader that ended its term was there until now; one that fell silent, until its last renewal.
        self.leader_seen = Some(if ended.is_some() { now } else { before.seen_at });
        self.last_end = Some(EndedTerm {
            term: before.leadership.term,
            leader_id: before.id,
            reason: ended.unwrap_or(EndReason::Expired),
        });
    }
}
