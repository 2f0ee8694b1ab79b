//! A node `a` over a scripted store and a clock that is set by hand.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use protocol::{
    HeartbeatSeq, Incarnation, LocalNode, NodeRow, NodeStatus, Reply, Request, Snapshot, Term, TermRow, Time,
    Timing,
};
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::event::Event;
use crate::runtime::driver::Driver;
use crate::runtime::executor::Executor;
use crate::runtime::outlets::Outlets;
use crate::runtime::shared::{Exit, SharedState};

pub(super) const H: Duration = Duration::from_secs(5);
pub(super) const T: Duration = Duration::from_secs(15);
pub(super) const N: Duration = Duration::from_secs(30);

pub(super) fn timing() -> Timing {
    Timing::new(H, T, N, 0.1).unwrap()
}

pub(super) fn at(seconds: f64) -> Time {
    Time::from_origin(Duration::from_secs_f64(seconds))
}

/// A clock that only the test and the driver's own sleeps move.
#[derive(Clone, Default)]
pub(super) struct ManualClock {
    pub(super) now: Rc<Cell<Time>>,
    pub(super) longest_sleep: Rc<Cell<Duration>>,
    /// While this is true, no sleep ends.
    pub(super) asleep: Rc<Cell<bool>>,
}

impl ManualClock {
    pub(super) fn advance(&self, span: Duration) {
        self.now.set(self.now.get() + span);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        self.now.get()
    }

    async fn sleep(&self, span: Duration) {
        self.longest_sleep.set(self.longest_sleep.get().max(span));
        if self.asleep.get() {
            return std::future::pending().await;
        }
        tokio::task::yield_now().await;
        self.advance(span);
    }
}

/// How the store answers a request.
pub(super) type Answer = Box<dyn FnOnce(&Request) -> Result<Reply, String>>;

#[derive(Default)]
pub(super) struct Script {
    /// Whether a reply is ready at the first poll.
    pub(super) at_once: bool,
    pub(super) answers: VecDeque<(Duration, Answer)>,
}

impl Script {
    pub(super) fn then(
        mut self,
        takes: Duration,
        answer: impl FnOnce(&Request) -> Result<Reply, String> + 'static,
    ) -> Self {
        self.answers.push_back((takes, Box::new(answer)));
        self
    }
}

pub(super) struct ScriptedStore {
    pub(super) clock: ManualClock,
    pub(super) script: Script,
    pub(super) sent: Rc<RefCell<Vec<Request>>>,
    pub(super) closed: Rc<Cell<bool>>,
}

impl Executor for ScriptedStore {
    async fn carry_out(&mut self, request: &Request, _: Duration) -> Result<Reply, String> {
        assert!(!self.closed.get(), "a request after it was closed");
        self.sent.borrow_mut().push(request.clone());
        let Some((takes, answer)) = self.script.answers.pop_front() else {
            return std::future::pending().await;
        };
        if !self.script.at_once {
            tokio::task::yield_now().await;
        }
        self.clock.advance(takes);
        answer(request)
    }

    async fn close(&mut self) {
        tokio::task::yield_now().await;
        self.closed.set(true);
    }
}

/// A node `a` whose driver can be run.
pub(super) struct Fixture {
    pub(super) clock: ManualClock,
    pub(super) outlets: Outlets,
    pub(super) state: watch::Receiver<SharedState>,
    pub(super) events: broadcast::Receiver<Event>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) wakeups: Notify,
    pub(super) tasks: JoinSet<()>,
    pub(super) sent: Rc<RefCell<Vec<Request>>>,
    pub(super) closed: Rc<Cell<bool>>,
}

pub(super) const ME: Incarnation = Incarnation(1);

impl Fixture {
    pub(super) fn new() -> Self {
        let (outlets, state, events) = Outlets::new(SharedState::new("e".to_owned(), "a".to_owned(), 0));
        Self {
            clock: ManualClock::default(),
            outlets,
            state,
            events,
            stop: watch::channel(false).0,
            wakeups: Notify::new(),
            tasks: JoinSet::new(),
            sent: Rc::default(),
            closed: Rc::default(),
        }
    }

    /// Runs the driver until it ends or until `done` returns.
    pub(super) async fn run_until(&mut self, script: Script, done: impl AsyncFnOnce(&Self)) -> Option<Exit> {
        let node = LocalNode { id: "a".to_owned(), incarnation: ME };
        let mut store = ScriptedStore {
            clock: self.clock.clone(),
            script,
            sent: Rc::clone(&self.sent),
            closed: Rc::clone(&self.closed),
        };
        let mut tasks = std::mem::take(&mut self.tasks);
        let driver = Driver::new(self.clock.clone(), node, timing(), &self.outlets);
        tokio::select! {
            biased;
            exit = driver.run(&mut store, self.stop.subscribe(), &self.wakeups, &mut tasks) => Some(exit),
            () = done(self) => None,
        }
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    pub(super) async fn sent(&self, wanted: impl Fn(&Request) -> bool) {
        while !self.sent.borrow().iter().any(&wanted) {
            tokio::task::yield_now().await;
        }
    }
}

pub(super) fn own_row() -> NodeRow {
    NodeRow {
        id: "a".to_owned(),
        incarnation: ME,
        status: NodeStatus::Follower,
        priority: 0,
        eligible: true,
        term: Term::NONE,
        heartbeat_seq: HeartbeatSeq::new(1),
        lease_duration: T - H,
        heartbeat_age: Duration::ZERO,
    }
}

pub(super) fn registered(_: &Request) -> Result<Reply, String> {
    Ok(Reply::Registered { seq: HeartbeatSeq::new(1) })
}

pub(super) fn vacancy(_: &Request) -> Result<Reply, String> {
    Ok(Reply::Snapshot(Snapshot { terms: Vec::new(), nodes: vec![own_row()] }))
}

/// Another node, `b`, leads term 7.
pub(super) fn led_by_another(_: &Request) -> Result<Reply, String> {
    let incarnation = Incarnation(2);
    let term = TermRow {
        term: Term::new(7),
        leader_id: "b".to_owned(),
        incarnation,
        lease_duration: T - H,
        end_reason: None,
        successor: None,
    };
    let leader = NodeRow {
        id: "b".to_owned(),
        incarnation,
        status: NodeStatus::Leader,
        term: Term::new(7),
        ..own_row()
    };
    Ok(Reply::Snapshot(Snapshot { terms: vec![term], nodes: vec![leader, own_row()] }))
}

/// Answers like a database in which this node is alone: every request succeeds.
pub(super) fn alone(request: &Request) -> Result<Reply, String> {
    Ok(match request {
        Request::Register { .. } => return registered(request),
        Request::Observe { .. } => return vacancy(request),
        Request::Heartbeat { seq_floor, .. } => Reply::HeartbeatAck { seq: Some(seq_floor.next()) },
        Request::Claim(claim) => Reply::Claimed { term: claim.min_term.next().unwrap() },
        Request::EndTerm { .. } => Reply::TermEnded,
        Request::Leave { .. } => Reply::Left,
        Request::Cleanup { .. } => Reply::Cleaned { nodes: 0, terms: 0 },
    })
}

/// A script of this many successful answers, without delay.
pub(super) fn willing(requests: usize) -> Script {
    (0..requests).fold(Script::default(), |script, _| script.then(Duration::ZERO, alone))
}

pub(super) async fn leads(fixture: &Fixture) {
    while fixture.state.borrow().lease.is_none() {
        tokio::task::yield_now().await;
    }
}
