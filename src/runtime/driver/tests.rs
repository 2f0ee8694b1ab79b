//! The driver over a scripted store and a clock that is set by hand.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use protocol::{
    HeartbeatSeq, Incarnation, NodeRow, NodeStatus, Request, Role, Snapshot, Term, TermRow, Time, Timing,
};
use tokio::sync::{broadcast, oneshot};

use super::*;
use crate::event::Event as Told;
use crate::event::LossReason;
use crate::runtime::shared::SharedState;

const H: Duration = Duration::from_secs(5);
const T: Duration = Duration::from_secs(15);
const N: Duration = Duration::from_secs(30);

fn timing() -> Timing {
    Timing::new(H, T, N, 0.1).unwrap()
}

fn at(seconds: f64) -> Time {
    Time::from_origin(Duration::from_secs_f64(seconds))
}

/// Stands still but for what the test and the driver's own sleeps add.
#[derive(Clone, Default)]
struct ManualClock {
    now: Rc<Cell<Time>>,
    longest_sleep: Rc<Cell<Duration>>,
    /// A sleep does not end before it is allowed to.
    asleep: Rc<Cell<bool>>,
}

impl ManualClock {
    fn advance(&self, span: Duration) {
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

/// What the store does with a request: how long it takes on the manual clock, and what it says.
type Answer = Box<dyn FnOnce(&Request) -> Result<Reply, String>>;

#[derive(Default)]
struct Script {
    answers: VecDeque<(Duration, Answer)>,
}

impl Script {
    fn then(
        mut self,
        takes: Duration,
        answer: impl FnOnce(&Request) -> Result<Reply, String> + 'static,
    ) -> Self {
        self.answers.push_back((takes, Box::new(answer)));
        self
    }
}

struct ScriptedStore {
    clock: ManualClock,
    script: Script,
    sent: Rc<RefCell<Vec<Request>>>,
    closed: Rc<Cell<bool>>,
}

impl Executor for ScriptedStore {
    async fn carry_out(&mut self, request: &Request, _: Duration) -> Result<Reply, String> {
        assert!(!self.closed.get(), "asked for something after it was closed");
        self.sent.borrow_mut().push(request.clone());
        let Some((takes, answer)) = self.script.answers.pop_front() else {
            return std::future::pending().await;
        };
        tokio::task::yield_now().await;
        self.clock.advance(takes);
        answer(request)
    }

    async fn close(&mut self) {
        tokio::task::yield_now().await;
        self.closed.set(true);
    }
}

/// A node `a` whose driver can be run.
struct Bench {
    clock: ManualClock,
    outlets: Outlets,
    state: watch::Receiver<SharedState>,
    told: broadcast::Receiver<Told>,
    stop: watch::Sender<bool>,
    wakeups: Notify,
    tasks: JoinSet<()>,
    sent: Rc<RefCell<Vec<Request>>>,
    closed: Rc<Cell<bool>>,
}

const ME: Incarnation = Incarnation(1);

impl Bench {
    fn new() -> Self {
        let (outlets, state, told) = Outlets::new(SharedState::new("e".to_owned(), "a".to_owned(), 0));
        Self {
            clock: ManualClock::default(),
            outlets,
            state,
            told,
            stop: watch::channel(false).0,
            wakeups: Notify::new(),
            tasks: JoinSet::new(),
            sent: Rc::default(),
            closed: Rc::default(),
        }
    }

    /// Runs the driver until it ends or until what it is waited for holds.
    async fn run_until(&mut self, script: Script, done: impl AsyncFnOnce(&Self)) -> Option<Exit> {
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

    fn told(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }

    async fn sent(&self, wanted: impl Fn(&Request) -> bool) {
        while !self.sent.borrow().iter().any(&wanted) {
            tokio::task::yield_now().await;
        }
    }
}

fn own_row() -> NodeRow {
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

fn registered(_: &Request) -> Result<Reply, String> {
    Ok(Reply::Registered { seq: HeartbeatSeq::new(1) })
}

fn vacancy(_: &Request) -> Result<Reply, String> {
    Ok(Reply::Snapshot(Snapshot { terms: Vec::new(), nodes: vec![own_row()] }))
}

/// Another node, `b`, leads term 7.
fn led_by_another(_: &Request) -> Result<Reply, String> {
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

/// Answers as a database would in which this node is alone: whatever it asks for is done.
fn alone(request: &Request) -> Result<Reply, String> {
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

/// So many requests answered at once.
fn willing(requests: usize) -> Script {
    (0..requests).fold(Script::default(), |script, _| script.then(Duration::ZERO, alone))
}

async fn leads(bench: &Bench) {
    while bench.state.borrow().lease.is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_leader_seen_in_a_slow_reply_is_waited_for_from_the_moment_of_the_reply() {
    let mut bench = Bench::new();
    let takes = Duration::from_secs(2);
    let script = Script::default().then(Duration::ZERO, registered).then(takes, led_by_another);
    bench
        .run_until(script, async |bench| {
            while bench.state.borrow().node.as_ref().is_none_or(|node| node.leader.is_none()) {
                tokio::task::yield_now().await;
            }
            bench.clock.asleep.set(true);
        })
        .await;
    let leader = bench.state.borrow().node.as_ref().unwrap().leader.clone().unwrap();
    assert!(leader.seen_at >= at(2.0), "{leader:?}");
    assert_eq!(leader.expires, leader.seen_at + (T - H));
    assert!(matches!(bench.told().last(), Some(Told::Following { leader, .. }) if leader == "b"));
}

#[tokio::test]
async fn a_lease_counts_from_before_the_claim_was_sent() {
    let mut bench = Bench::new();
    let mut sent_at = None;
    let clock = bench.clock.clone();
    let takes = Duration::from_secs(1);
    let mut script = Script::default();
    for _ in 0..20 {
        script = script.then(takes, alone);
    }
    bench
        .run_until(script, async |bench| {
            bench.sent(|request| matches!(request, Request::Claim(_))).await;
            sent_at = Some(clock.now());
            leads(bench).await;
        })
        .await;
    let lease = bench.state.borrow().lease.unwrap();
    assert_eq!(lease.deadline, sent_at.unwrap() + timing().renew_deadline());
    assert_eq!(bench.state.borrow().last_reply, Some(sent_at.unwrap() + takes));
}

#[tokio::test]
async fn the_end_of_a_leadership_is_published_before_the_term_is_ended_and_before_it_is_told() {
    let mut bench = Bench::new();
    let state = bench.state.clone();
    let withdrawn = Rc::new(Cell::new(false));
    let seen = Rc::clone(&withdrawn);
    let exit = bench
        .run_until(
            (0..40).fold(Script::default(), |script, _| {
                let (state, seen) = (state.clone(), Rc::clone(&seen));
                script.then(Duration::ZERO, move |request| {
                    if let Request::Leave { .. } = request {
                        seen.set(state.borrow().lease.is_none());
                    }
                    alone(request)
                })
            }),
            async |bench| {
                leads(bench).await;
                bench.stop.send_replace(true);
                std::future::pending().await
            },
        )
        .await;
    assert_eq!(exit, Some(Exit::Stopped { clean: true }));
    assert!(withdrawn.get(), "the leadership was still published while the database was told");
    let told = bench.told();
    let lost = Told::LostLeadership { term: Term::new(1), reason: LossReason::ShuttingDown };
    assert!(told.contains(&lost), "{told:?}");
    assert!(bench.closed.get(), "the store was not closed");
}

#[tokio::test]
async fn a_task_that_dies_ends_the_node_as_crashed() {
    let mut bench = Bench::new();
    let (die, dies) = oneshot::channel::<()>();
    bench.tasks.spawn(async {
        let _ = dies.await;
        panic!("the listener has a bug");
    });
    let exit = bench
        .run_until(willing(60), async |bench| {
            leads(bench).await;
            drop(die);
            // Long after it would have led on.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    let Some(Exit::Crashed(reason)) = exit else { panic!("{exit:?}") };
    assert!(reason.contains("the listener has a bug"), "{reason}");
    assert_eq!(bench.state.borrow().lease, None);
    assert!(matches!(bench.sent.borrow().last(), Some(Request::Leave { .. })));
    assert!(bench.closed.get());
}

#[tokio::test]
async fn a_stop_comes_before_a_reply_that_is_there_too() {
    for _ in 0..40 {
        let mut bench = Bench::new();
        bench.stop.send_replace(true);
        // The reply is ready as well, and a wake-up waits.
        bench.wakeups.notify_one();
        bench.run_until(willing(10), async |_| std::future::pending().await).await;
        let sent = bench.sent.borrow();
        assert!(
            matches!(sent[..], [Request::Register { .. }, Request::Leave { .. }]),
            "the stop was not the first to be heard: {sent:?}"
        );
    }
}

#[tokio::test]
async fn the_driver_sleeps_for_a_second_at_most_so_that_a_suspend_is_noticed() {
    let mut bench = Bench::new();
    bench
        .run_until(willing(60), async |bench| {
            leads(bench).await;
            bench.sent(|request| matches!(request, Request::Heartbeat { .. })).await;
        })
        .await;
    assert_eq!(bench.clock.longest_sleep.get(), Duration::from_secs(1));

    // After a resume the clock has gone on and the timer has not: at its next end the lease is over.
    let mut bench = Bench::new();
    bench
        .run_until(willing(60), async |bench| {
            leads(bench).await;
            bench.clock.advance(Duration::from_secs(3600));
            while bench.state.borrow().lease.is_some() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    let told = bench.told();
    let lapsed = |event: &Told| matches!(event, Told::LostLeadership { reason: LossReason::Lapsed, .. });
    assert!(told.iter().any(lapsed), "{told:?}");
}

#[tokio::test]
async fn a_request_under_way_is_dropped_before_the_next_is_sent() {
    struct OneAtATime {
        under_way: Arc<()>,
        inner: ScriptedStore,
    }
    impl Executor for OneAtATime {
        async fn carry_out(&mut self, request: &Request, limit: Duration) -> Result<Reply, String> {
            let _guard = Arc::clone(&self.under_way);
            assert_eq!(Arc::strong_count(&self.under_way), 2, "two requests at a time");
            self.inner.carry_out(request, limit).await
        }

        async fn close(&mut self) {
            assert_eq!(Arc::strong_count(&self.under_way), 1, "closed while a request was under way");
            self.inner.close().await;
        }
    }
    let bench = Bench::new();
    // Nothing after the registration is ever answered: every request is given up by the machine's own patience.
    let mut store = OneAtATime {
        under_way: Arc::new(()),
        inner: ScriptedStore {
            clock: bench.clock.clone(),
            script: Script::default().then(Duration::ZERO, registered),
            sent: Rc::clone(&bench.sent),
            closed: Rc::clone(&bench.closed),
        },
    };
    let node = LocalNode { id: "a".to_owned(), incarnation: ME };
    let driver = Driver::new(bench.clock.clone(), node, timing(), &bench.outlets);
    let mut tasks = JoinSet::new();
    let run = driver.run(&mut store, bench.stop.subscribe(), &bench.wakeups, &mut tasks);
    let stop = async {
        while bench.sent.borrow().len() < 10 {
            tokio::task::yield_now().await;
        }
        bench.stop.send_replace(true);
        std::future::pending::<()>().await;
    };
    let exit = tokio::select! { exit = run => exit, () = stop => unreachable!() };
    assert_eq!(exit, Exit::Stopped { clean: false });
    assert!(bench.closed.get());
}

#[tokio::test]
async fn a_failure_is_told_with_its_reason_and_the_first_answer_ends_the_outage() {
    let mut bench = Bench::new();
    let script = Script::default()
        .then(Duration::ZERO, |_| Err("the wire is cut".to_owned()))
        .then(Duration::ZERO, |_| Err("the wire is cut".to_owned()))
        .then(Duration::ZERO, registered);
    bench
        .run_until(script, async |bench| {
            while bench.state.borrow().node.as_ref().is_none_or(|node| !node.registered) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    let told = bench.told();
    assert_eq!(
        told[0],
        Told::DatabaseUnreachable { reason: "the wire is cut".to_owned(), term: None, lease_left: None }
    );
    assert!(matches!(told[1], Told::DatabaseReachable { .. }), "{told:?}");
    assert!(matches!(told[2], Told::Joined { taken_over: false, again: false }), "{told:?}");
    assert_eq!(bench.state.borrow().node.as_ref().unwrap().role, Role::Follower);
}
