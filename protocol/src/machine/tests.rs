//! Each event in each phase by itself, its commands compared exactly.
//!
//! The node under test is `b`: `a` ranks before it, `c` behind it.

use super::super::fixtures::{
    G, H, L, at, leader, leadership, ms, number, process, row, seq, term, timing, view,
};
use super::super::message::{ClaimRejected, Reply};
use super::super::ranking::{Electorate, PeerView};
use super::super::snapshot::{Incumbent, NodeRow, TermRow};
use super::*;

mod following;
mod joining;
mod leading;
mod leaving;
mod random;
mod silence;
mod vacancy;

const NOTHING: [Command; 0] = [];

/// A machine, driven by hand.
struct Probe(Machine);

impl Probe {
    /// `b`, at its first event.
    fn new() -> Self {
        Self(Machine::new(at(0), LocalNode { id: "b".to_owned(), incarnation: process("b") }, timing()))
    }

    /// `b` at 0: registered, settled, its first look under way, its first heartbeat due at H.
    fn joined() -> Self {
        let mut probe = Self::new();
        probe.tick(0);
        probe.reply(0, registered(0));
        probe.0.stand_from = at(0);
        probe.0.heartbeat_at = at(H);
        probe
    }

    /// `b` at 0: `a` leads term 1 and has just been seen in version 7.
    fn following() -> Self {
        let mut probe = Self::joined();
        probe.look(0, view().open(1, "a").node(leader("a", 1, 7)).node(row("b", 0)));
        probe
    }

    /// `b` at 0: leads term 1 until L, its first renewal due at H.
    fn leading() -> Self {
        let mut probe = Self::joined();
        probe.look(0, view().node(row("b", 0)));
        probe.reply(0, claimed(1));
        probe.0.look_at = None;
        probe
    }

    fn handle(&mut self, now: u64, event: Event) -> Vec<Command> {
        self.0.handle(at(now), event)
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

    /// The step under way comes back.
    fn reply(&mut self, now: u64, reply: Reply) -> Vec<Command> {
        self.handle(now, Event::Reply { token: self.0.token, reply: Some(reply) })
    }

    /// The step under way fails.
    fn fail(&mut self, now: u64) -> Vec<Command> {
        self.handle(now, Event::Reply { token: self.0.token, reply: None })
    }

    /// The look under way comes back.
    fn look(&mut self, now: u64, view: impl Into<Snapshot>) -> Vec<Command> {
        assert!(matches!(self.under_way(), Some(Request::Observe { .. })), "{:?}", self.0.in_flight);
        self.reply(now, Reply::Snapshot(view.into()))
    }

    /// A look at this very moment.
    fn look_now(&mut self, now: u64, view: impl Into<Snapshot>) -> Vec<Command> {
        self.0.look_at = Some(at(now));
        self.tick(now);
        self.look(now, view)
    }

    /// The heartbeat that is due is sent and answered, and the look after it comes back.
    fn beat_and_look(&mut self, now: u64, view: impl Into<Snapshot>) -> Vec<Command> {
        self.tick(now);
        assert!(matches!(self.under_way(), Some(Request::Heartbeat { .. })), "{:?}", self.0.in_flight);
        let seq = self.0.beats;
        self.reply(now, Reply::HeartbeatAck { seq: Some(seq) });
        self.look(now, view)
    }

    /// Looks and heartbeats at the machine's own wish, all answered at once and the looks with this, until
    /// another step is under way or nothing is due before `until`.
    fn look_until(&mut self, until: u64, view: impl Fn(u64) -> Snapshot) -> Vec<Command> {
        let mut out = Vec::new();
        loop {
            let Some(step) = &self.0.in_flight else {
                match self.0.due().filter(|due| *due < at(until)) {
                    Some(due) => out.extend(self.0.handle(due, Event::Tick)),
                    None => return out,
                }
                continue;
            };
            let reply = match step.request {
                Request::Observe { .. } => Reply::Snapshot(view(millis(step.sent))),
                Request::Heartbeat { .. } => Reply::HeartbeatAck { seq: Some(self.0.beats) },
                _ => return out,
            };
            let (now, token) = (step.sent, step.token);
            out.extend(self.0.handle(now, Event::Reply { token, reply: Some(reply) }));
        }
    }

    fn under_way(&self) -> Option<&Request> {
        self.0.in_flight.as_ref().map(|step| &step.request)
    }

    /// The newest step, as the command that sends it.
    fn step(&self, request: Request, limit: u64) -> Command {
        Command::Send { token: self.0.token, request, limit: ms(limit) }
    }

    /// Asserts that the machine wants to be called in this span, and returns when.
    #[track_caller]
    fn due_within(&self, from: u64, to: u64) -> u64 {
        let due = self.0.due().unwrap();
        assert!((at(from)..=at(to)).contains(&due), "{due:?}");
        millis(due)
    }

    /// Asserts that a claim sent in this span is under way.
    #[track_caller]
    fn claims_within(&self, from: u64, to: u64) {
        let Some(InFlight { request: Request::Claim(_), sent, .. }) = self.0.in_flight else {
            panic!("{:?}", self.0.in_flight);
        };
        assert!((at(from)..=at(to)).contains(&sent), "{sent:?}");
    }

    fn outlook(&self, now: u64) -> NodeState {
        self.0.outlook(at(now))
    }

    fn deadline(&self) -> Option<Time> {
        self.0.lease().map(|lease| lease.deadline)
    }
}

/// Rounded up, so that what is due has come by then.
fn millis(time: Time) -> u64 {
    u64::try_from(time.since_origin().as_nanos().div_ceil(1_000_000)).unwrap()
}

fn register(take_over: Option<TakeOver>) -> Request {
    Request::Register { take_over }
}

fn beat(floor: i64) -> Request {
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

fn followed(term: i64, cause: LossReason) -> Command {
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

/// A heartbeat was carried out, and set the row's count to this.
fn ack(count: i64) -> Reply {
    Reply::HeartbeatAck { seq: Some(seq(count)) }
}
