//! One node: combines the parts of the rules.
//!
//! Each event goes to the part that owns the state it changes. Then the agenda says what is due next.

use super::agenda::{Agenda, Step};
use super::election::Claim;
use super::history::{EndedTerm, NodeState};
use super::membership::{Membership, Phase};
use super::message::{Belief, Change, Command, Event, LossReason, Outcome, Reply, Request};
use super::node::{LocalNode, Setup};
use super::rules::Rules;
use super::snapshot::{EndReason, Snapshot};
use super::tenure::{Lease, Tenure};
use super::term::{HeartbeatSeq, LeadershipId};
use super::time::Time;
use super::timing::Timing;
use super::view::{ElectionView, Verdict};

/// The state machine of one node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Machine {
    setup: Setup,
    membership: Membership,
    tenure: Tenure,
    agenda: Agenda,
    view: ElectionView,
}

impl Machine {
    /// A node that has not joined yet. It acts at the first event.
    pub fn new(now: Time, node: LocalNode, timing: Timing) -> Self {
        Self::with_rules(now, node, timing, Rules::SAFE)
    }

    /// The same with other rules. Tests break a rule with it, to see that the checks notice.
    pub fn with_rules(now: Time, node: LocalNode, timing: Timing, rules: Rules) -> Self {
        Self {
            membership: Membership::new(),
            tenure: Tenure::None,
            agenda: Agenda::new(now, node.incarnation),
            view: ElectionView::new(now),
            setup: Setup { node, timing, rules },
        }
    }

    /// Handles an event, and returns what has to be done, in this order.
    pub fn handle(&mut self, now: Time, event: Event) -> Vec<Command> {
        let mut out = Vec::new();
        self.expire(now, &mut out);
        let mut claim = None;
        match event {
            Event::Tick => {}
            Event::Wake => self.agenda.wake(now, self.view.is_next(&self.setup.node), &self.setup.timing),
            Event::Stop => self.on_stop(now, &mut out),
            Event::Reply { token, reply } => match (self.agenda.take(token), reply) {
                (Some(step), Some(reply)) => claim = self.on_reply(now, step, reply, &mut out),
                (Some(step), None) => self.on_failure(now, &step.request),
                (None, _) => {}
            },
        }
        self.proceed(now, claim, &mut out);
        out
    }

    /// The leadership that this node holds. The caller compares its deadline with the clock.
    pub fn lease(&self) -> Option<Lease> {
        self.tenure.lease()
    }

    /// What the node publishes at `now`.
    pub fn outlook(&self, now: Time) -> NodeState {
        self.view.state(now, self.membership.is_joined(), self.lease())
    }

    /// When the machine wants a tick, if nothing else happens before.
    pub fn due(&self) -> Option<Time> {
        self.agenda.due(self.membership.duty(self.tenure))
    }

    /// Ends what has run out: the lease, the step under way.
    fn expire(&mut self, now: Time, out: &mut Vec<Command>) {
        if self.lease().is_some_and(|lease| lease.deadline <= now) {
            // The reply to the renewal under way would come too late.
            self.agenda.give_up();
            self.view.note_failed_step();
            self.view.back_off(now, self.agenda.back_off(&self.setup.timing));
            self.step_down(now, LossReason::Lapsed, out);
        }
        if let Some(step) = self.agenda.take_expired(now) {
            self.on_failure(now, &step.request);
        }
    }

    /// Sends the next step, if none is under way and one is due.
    fn proceed(&mut self, now: Time, claim: Option<Claim>, out: &mut Vec<Command>) {
        if let Some(outcome) = self.membership.gives_up_leaving(now) {
            return self.end(outcome, out);
        }
        let (request, limit) = match claim {
            Some(claim) => (Request::Claim(claim), self.setup.timing.claim_limit()),
            None => {
                let duty = self.membership.duty(self.tenure);
                let Some((task, limit)) = self.agenda.next(now, duty, &self.setup.timing) else { return };
                let (tenure, timing) = (self.tenure, &self.setup.timing);
                (self.membership.request(task, tenure, &self.view, timing), limit)
            }
        };
        out.push(self.agenda.send(now, request, limit));
    }

    fn on_stop(&mut self, now: Time, out: &mut Vec<Command>) {
        let clean = Outcome::Stopped { clean: true };
        match self.membership.phase() {
            Phase::Leaving { .. } | Phase::Ended => return,
            // Nothing was written yet.
            Phase::Waiting => return self.end(clean, out),
            Phase::Registering(_) | Phase::Joined => {}
        }
        let end = self.tenure.reason_to_end().or(self.agenda.is_claiming().then_some(EndReason::Resigned));
        self.step_down(now, LossReason::ShuttingDown, out);
        self.membership.begin_leaving(now, end, clean, &mut self.agenda, &self.setup.timing);
    }

    /// Handles a step's reply. Returns the claim that follows from it.
    fn on_reply(&mut self, now: Time, step: Step, reply: Reply, out: &mut Vec<Command>) -> Option<Claim> {
        self.agenda.clear_failures(now);
        if let Phase::Leaving { .. } = self.membership.phase() {
            if let Some(outcome) = self.membership.on_reply_leaving(&reply) {
                self.end(outcome, out);
            }
            return None;
        }
        let (timing, rules) = (self.setup.timing, self.setup.rules);
        let lease_start = rules.lease_start(step.sent, now);
        match (reply, step.request) {
            (Reply::Registered { seq }, Request::Register { take_over }) => {
                let (taken_over, agenda) = (take_over.is_some(), &mut self.agenda);
                let change = self.membership.on_registered(now, seq, taken_over, agenda, &timing);
                self.view.campaign_from(now + timing.startup_delay());
                out.push(Command::Announce(change));
            }
            (Reply::IdTaken { incarnation, leading }, Request::Register { take_over }) => {
                let (tried, agenda) = (take_over.is_some(), &mut self.agenda);
                if !self.membership.on_id_taken(now, incarnation, leading, tried, agenda, &timing) {
                    self.on_replaced(now, None, out);
                }
            }
            (Reply::HeartbeatAck { seq }, Request::Heartbeat { belief, .. }) => {
                self.on_heartbeat_ack(now, lease_start, belief, seq);
            }
            (Reply::Snapshot(snapshot), Request::Observe { .. }) => {
                return self.on_snapshot(rules.observed_at(step.sent, now), &snapshot, out);
            }
            (Reply::Claimed { term }, Request::Claim(_)) => {
                self.tenure.adopt(now, term, lease_start, timing.renew_deadline());
                self.agenda.lead(now, lease_start, &timing);
                let leaderless = self.view.win(now, term);
                out.push(Command::Announce(Change::BecameLeader { term, leaderless }));
            }
            (Reply::ClaimRejected(rejected), Request::Claim(_)) => {
                let longest = timing.heartbeat_interval() / 10;
                self.view.campaign_from(now + self.agenda.spread(longest / 2, longest));
                self.agenda.poll(now);
                out.push(Command::Announce(Change::ClaimRejected(rejected)));
            }
            (Reply::TermEnded, Request::EndTerm { .. }) => {
                self.tenure.forget_orphan();
                self.agenda.resume(now);
            }
            (Reply::Cleaned { nodes, terms }, Request::Cleanup { .. }) => {
                if nodes + terms > 0 {
                    out.push(Command::Announce(Change::Cleaned { nodes, terms }));
                }
            }
            // The store never answers a step with the reply to another kind of step. If it did, the effect would be
            // unknown.
            (_, request) => self.on_failure(now, &request),
        }
        None
    }

    /// A step failed, or its limit passed: it may or may not have taken effect.
    fn on_failure(&mut self, now: Time, request: &Request) {
        self.view.note_failed_step();
        self.agenda.note_failure(now, request, self.lease().is_some(), &self.setup.timing);
        if let Request::Claim(_) = request {
            self.tenure.doubt();
            self.view.back_off(now, self.agenda.back_off(&self.setup.timing));
        }
        self.membership.on_failure(now, request, &mut self.agenda);
    }

    fn on_heartbeat_ack(&mut self, now: Time, start: Time, belief: Belief, seq: Option<HeartbeatSeq>) {
        self.agenda.poll(now);
        let Some(seq) = seq else {
            // No row agrees with the belief: observe. A leader renews again if the snapshot shows nothing wrong.
            if self.lease().is_some() {
                self.agenda.heartbeat(now + self.setup.timing.heartbeat_interval() / 4);
            }
            return;
        };
        self.membership.note_seq(seq);
        if let Belief::Leader(term) = belief
            && self.tenure.renew(term, start, self.setup.timing.renew_deadline())
        {
            self.view.note_renewal();
        }
    }

    /// A snapshot arrived at `now`. Returns the claim that follows from it.
    fn on_snapshot(&mut self, now: Time, snapshot: &Snapshot, out: &mut Vec<Command>) -> Option<Claim> {
        let Setup { node, timing, .. } = &self.setup;
        if let Some(own) = snapshot.nodes.iter().find(|row| node.owns(row)) {
            self.membership.note_seq(own.heartbeat_seq);
        }
        self.view.observe(now, snapshot, &self.setup);
        self.tenure.resolve_doubt();
        match self.membership.phase() {
            Phase::Waiting => {
                let (led_until, agenda) = (self.view.led_until(now), &mut self.agenda);
                let change = self.membership.await_row(now, snapshot, node, led_until, agenda, timing);
                out.extend(change.map(Command::Announce));
                None
            }
            Phase::Joined => self.take_part(now, snapshot, out),
            Phase::Registering(_) | Phase::Leaving { .. } | Phase::Ended => None,
        }
    }

    fn take_part(&mut self, now: Time, snapshot: &Snapshot, out: &mut Vec<Command>) -> Option<Claim> {
        let node = self.setup.node.clone();
        let own_open = snapshot.open_term().filter(|term| term.incarnation == node.incarnation);
        let Some(own) = snapshot.node(&node.id) else {
            // The row was deleted. Without it nothing can be renewed.
            self.step_down(now, LossReason::Deposed, out);
            self.membership.lose_row();
            return None;
        };
        if !node.owns(own) {
            self.on_replaced(now, own_open.map(|_| EndReason::Replaced), out);
            return None;
        }
        if let Some(lease) = self.lease() {
            let held = LeadershipId { term: lease.term, incarnation: node.incarnation };
            if snapshot.leader().is_none_or(|row| row.leadership() != held) {
                self.step_down(now, LossReason::Deposed, out);
            }
            self.view.note_next_leader(snapshot, &node.id, &self.setup);
            return None;
        }
        if own_open.is_some() || own.is_leader() {
            // A claim's reply was lost, and the claim succeeded.
            self.tenure.orphan(own_open.map_or(own.term, |term| term.term));
            self.view.withdraw();
            return None;
        }
        match self.view.judge(now, snapshot, &self.setup) {
            Verdict::Led(lease) => {
                self.agenda.follow(now, lease.seen_at, lease.expires, &self.setup.timing);
                None
            }
            Verdict::Vacant(turn) => {
                self.agenda.await_turn(now, turn.own_from(), &self.setup.timing);
                let electorate = turn.own()?;
                Some(self.view.claim(snapshot, electorate, self.membership.take_seq()))
            }
        }
    }

    /// This node's row belongs to another process. This process ends, and first ends an open term of its own.
    fn on_replaced(&mut self, now: Time, end: Option<EndReason>, out: &mut Vec<Command>) {
        let own_term = self.tenure != Tenure::None;
        self.step_down(now, LossReason::Replaced, out);
        let end = end.or(own_term.then_some(EndReason::Replaced));
        if end.is_none() {
            return self.end(Outcome::Replaced, out);
        }
        self.membership.begin_leaving(now, end, Outcome::Replaced, &mut self.agenda, &self.setup.timing);
    }

    /// Ends this node's leadership locally, at once. Its term ends as soon as the database answers.
    fn step_down(&mut self, now: Time, loss: LossReason, out: &mut Vec<Command>) {
        let reason = loss.end_reason();
        let Some(Lease { term, .. }) = self.tenure.step_down(reason) else { return };
        let leader_id = self.setup.node.id.clone();
        self.view.lose(now, EndedTerm { term, leader_id, reason });
        self.agenda.clear_failures(now);
        out.push(Command::Announce(Change::LostLeadership { term, reason: loss }));
    }

    fn end(&mut self, outcome: Outcome, out: &mut Vec<Command>) {
        self.agenda.give_up();
        self.membership.end();
        out.push(Command::End(outcome));
    }
}

#[cfg(test)]
mod tests;
