//! What the simulation found, each as the smallest case that shows it.

use std::time::Duration;

use super::super::message::{Command, Event, Reply, Request};
use super::super::snapshot::{EndReason, NodeRow, NodeStatus, Snapshot, TermRow};
use super::super::term::{HeartbeatSeq, Incarnation, Term};
use super::super::time::Time;
use super::super::timing::Timing;
use super::{LocalNode, Machine};

const OWN: Incarnation = Incarnation(1);
const OTHER: Incarnation = Incarnation(2);

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The node `b`, registered, with H 1 s and T 3 s, and the clock it lives by.
struct Case {
    machine: Machine,
    now: Time,
}

impl Case {
    fn registered() -> Self {
        let timing = Timing::new(ms(1000), ms(3000), ms(6000), 0.1).unwrap();
        let now = Time::from_origin(ms(100_000));
        let machine = Machine::new(now, LocalNode { id: "b".to_owned(), incarnation: OWN }, timing);
        let mut case = Self { machine, now };
        let (token, _) = case.tick().expect("a registration");
        case.reply(token, Reply::Registered { seq: HeartbeatSeq::ZERO });
        case
    }

    fn tick(&mut self) -> Option<(u64, Request)> {
        sent(self.machine.handle(self.now, Event::Tick))
    }

    fn reply(&mut self, token: u64, reply: Reply) -> Option<(u64, Request)> {
        sent(self.machine.handle(self.now, Event::Reply { token, reply: Some(reply) }))
    }

    /// Goes on for so long, answering heartbeats, and looks with this; until a claim comes, if one does.
    fn lives(&mut self, span: Duration, view: &Snapshot) -> Option<(u64, Request)> {
        let end = self.now + span;
        let mut step = None;
        loop {
            step = match step {
                Some((_, Request::Claim(_))) => return step,
                Some((token, Request::Heartbeat { seq_floor, .. })) => {
                    self.reply(token, Reply::HeartbeatAck { seq: Some(seq_floor.next()) })
                }
                Some((token, Request::Observe { .. })) => self.reply(token, Reply::Snapshot(view.clone())),
                Some((_, other)) => panic!("unexpected {other:?}"),
                None if self.now == end => return None,
                None => {
                    self.now = self.now + ms(10);
                    let pending = self.machine.in_flight.clone().map(|step| (step.token, step.request));
                    pending.or_else(|| self.tick())
                }
            };
        }
    }
}

fn sent(commands: Vec<Command>) -> Option<(u64, Request)> {
    commands.into_iter().find_map(|command| match command {
        Command::Send { token, request, .. } => Some((token, request)),
        _ => None,
    })
}

fn row(id: &str, incarnation: Incarnation, priority: i32, seq: i64) -> NodeRow {
    NodeRow {
        id: id.to_owned(),
        incarnation,
        status: NodeStatus::Follower,
        priority,
        eligible: true,
        term: Term::NONE,
        heartbeat_seq: HeartbeatSeq::new(seq),
        lease_duration: ms(2000),
        heartbeat_age: Duration::ZERO,
    }
}

/// `a` is the better node and leads in term 1.
fn led_by_a() -> Snapshot {
    let term = TermRow {
        term: Term::new(1),
        leader_id: "a".to_owned(),
        incarnation: OTHER,
        lease_duration: ms(2000),
        end_reason: None,
        successor: None,
    };
    let leader = NodeRow { status: NodeStatus::Leader, term: Term::new(1), ..row("a", OTHER, 9, 5) };
    Snapshot { terms: vec![term], nodes: vec![leader, row("b", OWN, 0, 0)] }
}

/// `a` is the better node and follows; its term has ended.
fn vacant() -> Snapshot {
    let mut view = led_by_a();
    view.terms[0].end_reason = Some(EndReason::Lapsed);
    view.nodes[0].status = NodeStatus::Follower;
    view
}

#[test]
fn a_leader_whose_lease_was_waited_out_is_not_waited_for_again() {
    let mut case = Case::registered();
    assert_eq!(case.lives(ms(1950), &led_by_a()), None, "its lease runs");
    assert!(case.lives(ms(150), &led_by_a()).is_some(), "its lease has run out: claim at once");
}

#[test]
fn a_better_node_whose_clock_is_slower_is_not_passed_over() {
    let mut case = Case::registered();
    // Within the drift setting this node's second is up to 1.1 s of that one's: its next heartbeat is not late.
    assert_eq!(case.lives(ms(1150), &vacant()), None);
    assert!(case.lives(ms(400), &vacant()).is_some(), "it is dead after all");
}

#[test]
fn no_two_claims_begin_in_the_same_version() {
    let mut case = Case::registered();
    let alone = Snapshot { terms: Vec::new(), nodes: vec![row("b", OWN, 0, 0)] };
    let Some((_, Request::Claim(first))) = case.lives(ms(500), &alone) else { panic!("no claim") };
    // The reply is lost, and the database forgets the claim.
    case.now = case.now + ms(1001);
    case.machine.handle(case.now, Event::Tick);
    let Some((_, Request::Claim(second))) = case.lives(ms(9000), &alone) else { panic!("no second claim") };
    assert!(second.seq_floor > first.seq_floor, "{} and {}", first.seq_floor, second.seq_floor);
}
