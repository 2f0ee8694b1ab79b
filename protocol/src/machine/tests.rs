//! Each event in each phase, its commands compared exactly.
//!
//! The node under test is `b`: `a` ranks higher, `c` lower.

use super::*;
use crate::agenda::Step;
use crate::election::{ClaimRejected, Electorate};
use crate::fixtures::ORIGIN;
use crate::fixtures::{
    G, H, L, at, leader, leadership, ms, number, process, row, seq, snapshot, term, timing,
};
use crate::history::Role;
use crate::jitter::Jitter;
use crate::liveness::PeerView;
use crate::message::TakeOver;
use crate::snapshot::{Incumbent, NodeRow, TermRow};
use crate::term::Incarnation;

mod following;
mod joining;
mod leading;
mod leaving;
mod random;
mod regressions;
mod silence;
mod vacancy;

const NOTHING: [Command; 0] = [];

/// A machine, driven by hand.
#[derive(Clone)]
struct Harness {
    machine: Machine,
    /// The token of the newest step.
    token: u64,
}

impl Harness {
    /// `b`, at its first event.
    fn new() -> Self {
        Self::starting(at(0), timing())
    }

    fn starting(now: Time, timing: Timing) -> Self {
        let node = LocalNode { id: "b".to_owned(), incarnation: process("b") };
        Self { machine: Machine::new(now, node, timing), token: 0 }
    }

    /// `b` at 0: it registered long enough ago to campaign, its first read is under way, its first heartbeat due at H.
    fn joined() -> Self {
        Self::joined_with(timing())
    }

    fn joined_with(timing: Timing) -> Self {
        let earlier = Time::from_origin(ORIGIN - timing.startup_delay());
        let mut harness = Self::starting(earlier, timing);
        harness.handle_at(earlier, Event::Tick);
        harness.handle_at(earlier, Event::Reply { token: harness.token, reply: Some(registered(0)) });
        harness.machine.agenda.heartbeat(at(H));
        harness.machine.agenda.give_up();
        harness.machine.agenda.poll(at(0));
        harness.tick(0);
        harness
    }

    /// `b` at 0: `a` leads term 1 and has just been seen in version 7.
    fn following() -> Self {
        let mut harness = Self::joined();
        harness.observe(0, snapshot().open(1, "a").node(leader("a", 1, 7)).node(row("b", 0)));
        harness
    }

    /// `b` at 0: leads term 1 until L, its first renewal due at H.
    fn leading() -> Self {
        Self::leading_with(timing())
    }

    fn leading_with(timing: Timing) -> Self {
        let mut harness = Self::joined_with(timing);
        harness.observe(0, snapshot().node(row("b", 0)));
        harness.reply(0, claimed(1));
        harness.machine.agenda.poll_no_more();
        harness
    }

    /// No heartbeat is due before then.
    fn without_heartbeats_until(&mut self, until: u64) {
        self.machine.agenda.heartbeat(at(until));
    }

    /// No cleanup is due before then.
    fn without_cleanup_until(&mut self, until: u64) {
        self.machine.agenda.clean_up_at(at(until));
    }

    /// No read is due before then.
    fn without_polls_until(&mut self, until: u64) {
        self.machine.agenda.poll(at(until));
    }

    fn handle(&mut self, now: u64, event: Event) -> Vec<Command> {
        self.handle_at(at(now), event)
    }

    fn handle_at(&mut self, now: Time, event: Event) -> Vec<Command> {
        let out = self.machine.handle(now, event);
        for command in &out {
            if let Command::Send { token, .. } = command {
                self.token = *token;
            }
        }
        out
    }

    fn tick(&mut self, now: u64) -> Vec<Command> {
        self.handle(now, Event::Tick)
    }

    fn wake(&mut self, now: u64) -> Vec<Command> {
        self.handle(now, Event::Wake)
    }

    fn stop(&mut self, now: u64) -> Vec<Command> {
        self.handle(now, Event::Stop)
    }

    /// Answers the step under way.
    fn reply(&mut self, now: u64, reply: Reply) -> Vec<Command> {
        self.handle(now, Event::Reply { token: self.token, reply: Some(reply) })
    }

    /// Fails the step under way.
    fn fail(&mut self, now: u64) -> Vec<Command> {
        self.handle(now, Event::Reply { token: self.token, reply: None })
    }

    /// Answers the read under way with this snapshot.
    fn observe(&mut self, now: u64, view: impl Into<Snapshot>) -> Vec<Command> {
        assert!(matches!(self.under_way(), Some(Request::Observe { .. })), "{:?}", self.under_way());
        self.reply(now, Reply::Snapshot(view.into()))
    }

    /// Reads now.
    fn observe_now(&mut self, now: u64, view: impl Into<Snapshot>) -> Vec<Command> {
        self.machine.agenda.poll(at(now));
        self.tick(now);
        self.observe(now, view)
    }

    /// Sends the heartbeat that is due, answers it, and answers the read after it.
    fn heartbeat_and_observe(&mut self, now: u64, view: impl Into<Snapshot>) -> Vec<Command> {
        self.tick(now);
        let ack = self.heartbeat_ack();
        self.reply(now, ack);
        self.observe(now, view)
    }

    /// The answer to the heartbeat under way.
    fn heartbeat_ack(&self) -> Reply {
        let Some(Request::Heartbeat { seq_floor, .. }) = self.under_way() else {
            panic!("{:?}", self.under_way());
        };
        Reply::HeartbeatAck { seq: Some(seq_floor.next()) }
    }

    /// Calls the machine whenever it is due, and answers heartbeats at once and reads with this snapshot, until
    /// another step is under way or nothing is due before `until`.
    fn run_until(&mut self, until: u64, view: impl Fn(u64) -> Snapshot) -> Vec<Command> {
        let mut out = Vec::new();
        loop {
            let Some(step) = self.machine.agenda.in_flight().cloned() else {
                match self.machine.due().filter(|due| *due < at(until)) {
                    Some(due) => out.extend(self.handle_at(due, Event::Tick)),
                    None => return out,
                }
                continue;
            };
            let reply = match step.request {
                Request::Observe { .. } => Reply::Snapshot(view(millis(step.sent))),
                Request::Heartbeat { .. } => self.heartbeat_ack(),
                _ => return out,
            };
            out.extend(self.handle_at(step.sent, Event::Reply { token: step.token, reply: Some(reply) }));
        }
    }

    fn under_way(&self) -> Option<&Request> {
        self.machine.agenda.in_flight().map(|step| &step.request)
    }

    /// When the step under way was sent.
    fn sent(&self) -> u64 {
        millis(self.machine.agenda.in_flight().unwrap().sent)
    }

    /// Asserts that a claim is under way, and returns it.
    #[track_caller]
    fn claim(&self) -> &Claim {
        match self.under_way() {
            Some(Request::Claim(claim)) => claim,
            other => panic!("{other:?}"),
        }
    }

    /// The newest step, as a command.
    fn step(&self, request: Request, limit: u64) -> Command {
        Command::Send { token: self.token, request, limit: ms(limit) }
    }

    /// Asserts that the machine is due in this span, and returns when.
    #[track_caller]
    fn due_within(&self, from: u64, to: u64) -> u64 {
        let due = self.machine.due().unwrap();
        assert!((at(from)..=at(to)).contains(&due), "{due:?}");
        millis(due)
    }

    /// Asserts that a claim sent in this span is under way.
    #[track_caller]
    fn claims_within(&self, from: u64, to: u64) {
        self.claim();
        assert!((from..=to).contains(&self.sent()), "{}", self.sent());
    }

    fn outlook(&self, now: u64) -> NodeState {
        self.machine.outlook(at(now))
    }

    fn deadline(&self) -> Option<Time> {
        self.machine.lease().map(|lease| lease.deadline)
    }
}

/// Rounds up, so that a task due at `time` is due at the result.
fn millis(time: Time) -> u64 {
    u64::try_from((time.since_origin() - ORIGIN).as_nanos().div_ceil(1_000_000)).unwrap()
}

fn register(take_over: Option<TakeOver>) -> Request {
    Request::Register { take_over }
}

fn heartbeat(floor: i64) -> Request {
    Request::Heartbeat { belief: Belief::Follower, seq_floor: seq(floor) }
}

fn renew(term: i64, floor: i64) -> Request {
    Request::Heartbeat { belief: Belief::Leader(number(term)), seq_floor: seq(floor) }
}

fn observe(terms: &[i64]) -> Request {
    Request::Observe { terms: terms.iter().copied().map(number).collect() }
}

fn end_term(term: i64, reason: EndReason) -> Request {
    Request::EndTerm { term: number(term), reason }
}

fn leave(end: Option<EndReason>) -> Request {
    Request::Leave { end }
}

fn announce(change: Change) -> Command {
    Command::Announce(change)
}

fn lost(term: i64, cause: LossReason) -> Command {
    announce(Change::LostLeadership { term: number(term), reason: cause })
}

fn ended_term(term: i64, leader: &str, reason: EndReason) -> EndedTerm {
    EndedTerm { term: number(term), leader_id: leader.to_owned(), reason }
}

fn registered(count: i64) -> Reply {
    Reply::Registered { seq: seq(count) }
}

fn claimed(term: i64) -> Reply {
    Reply::Claimed { term: number(term) }
}

/// A heartbeat succeeded and set the row's counter to this.
fn ack(count: i64) -> Reply {
    Reply::HeartbeatAck { seq: Some(seq(count)) }
}
