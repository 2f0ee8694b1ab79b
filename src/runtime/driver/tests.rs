use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use protocol::{Role, Term};
use tokio::sync::oneshot;

use self::fixture::*;
use super::*;
use crate::event::Event;
use crate::event::LossReason;

mod fixture;

#[tokio::test]
async fn a_leader_seen_in_a_slow_reply_is_waited_for_from_the_moment_of_the_reply() {
    let mut fixture = Fixture::new();
    let takes = Duration::from_secs(2);
    let script = Script::default().then(Duration::ZERO, registered).then(takes, led_by_another);
    fixture
        .run_until(script, async |fixture| {
            while fixture.state.borrow().node.as_ref().is_none_or(|node| node.leader.is_none()) {
                tokio::task::yield_now().await;
            }
            fixture.clock.asleep.set(true);
        })
        .await;
    let leader = fixture.state.borrow().node.as_ref().unwrap().leader.clone().unwrap();
    assert!(leader.seen_at >= at(2.0), "{leader:?}");
    assert_eq!(leader.expires, leader.seen_at + (T - H));
    assert!(matches!(fixture.events().last(), Some(Event::Following { leader, .. }) if leader == "b"));
}

#[tokio::test]
async fn a_lease_counts_from_before_the_claim_was_sent() {
    let mut fixture = Fixture::new();
    let mut sent_at = None;
    let clock = fixture.clock.clone();
    let takes = Duration::from_secs(1);
    let mut script = Script::default();
    for _ in 0..20 {
        script = script.then(takes, alone);
    }
    fixture
        .run_until(script, async |fixture| {
            fixture.sent(|request| matches!(request, Request::Claim(_))).await;
            sent_at = Some(clock.now());
            leads(fixture).await;
        })
        .await;
    let lease = fixture.state.borrow().lease.unwrap();
    assert_eq!(lease.deadline, sent_at.unwrap() + timing().renew_deadline());
    assert_eq!(fixture.state.borrow().last_reply, Some(sent_at.unwrap() + takes));
}

#[tokio::test]
async fn the_end_of_a_leadership_is_published_before_the_term_is_ended_and_before_it_is_announced() {
    let mut fixture = Fixture::new();
    let state = fixture.state.clone();
    let withdrawn = Rc::new(Cell::new(false));
    let seen = Rc::clone(&withdrawn);
    let exit = fixture
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
            async |fixture| {
                leads(fixture).await;
                fixture.stop.send_replace(true);
                std::future::pending().await
            },
        )
        .await;
    assert_eq!(exit, Some(Exit::Stopped { clean: true }));
    assert!(withdrawn.get(), "the leadership was still published while the term was ended");
    let events = fixture.events();
    let lost = Event::LostLeadership { term: Term::new(1), reason: LossReason::ShuttingDown };
    assert!(events.contains(&lost), "{events:?}");
    assert!(fixture.closed.get(), "the store was not closed");
}

#[tokio::test]
async fn a_task_that_dies_ends_the_node_as_crashed() {
    let mut fixture = Fixture::new();
    let (die, dies) = oneshot::channel::<()>();
    fixture.tasks.spawn(async {
        let _ = dies.await;
        panic!("the listener has a bug");
    });
    let exit = fixture
        .run_until(willing(60), async |fixture| {
            leads(fixture).await;
            drop(die);
            // Long after its next renewal was due.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    let Some(Exit::Crashed(reason)) = exit else { panic!("{exit:?}") };
    assert!(reason.contains("the listener has a bug"), "{reason}");
    assert_eq!(fixture.state.borrow().lease, None);
    assert!(matches!(fixture.sent.borrow().last(), Some(Request::Leave { .. })));
    assert!(fixture.closed.get());
}

#[tokio::test]
async fn a_stop_comes_before_a_reply_that_is_there_too() {
    for _ in 0..40 {
        let mut fixture = Fixture::new();
        fixture.stop.send_replace(true);
        // The reply is ready as well, and a wake-up is pending.
        fixture.wakeups.notify_one();
        let script = Script { at_once: true, ..willing(10) };
        fixture.run_until(script, async |_| std::future::pending().await).await;
        let sent = fixture.sent.borrow();
        assert!(
            matches!(sent[..], [Request::Register { .. }, Request::Leave { .. }]),
            "the stop was not handled first: {sent:?}"
        );
    }
}

#[tokio::test]
async fn the_driver_sleeps_for_a_second_at_most_so_that_a_suspend_is_noticed() {
    let mut fixture = Fixture::new();
    fixture
        .run_until(willing(60), async |fixture| {
            leads(fixture).await;
            fixture.sent(|request| matches!(request, Request::Heartbeat { .. })).await;
        })
        .await;
    assert_eq!(fixture.clock.longest_sleep.get(), Duration::from_secs(1));

    // After a resume the clock has gone on and the timer has not. When the timer ends, the lease is over.
    let mut fixture = Fixture::new();
    fixture
        .run_until(willing(60), async |fixture| {
            leads(fixture).await;
            fixture.clock.advance(Duration::from_secs(3600));
            while fixture.state.borrow().lease.is_some() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    let events = fixture.events();
    let lapsed = |event: &Event| matches!(event, Event::LostLeadership { reason: LossReason::Lapsed, .. });
    assert!(events.iter().any(lapsed), "{events:?}");
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
            assert_eq!(Arc::strong_count(&self.under_way), 2, "two requests at once");
            self.inner.carry_out(request, limit).await
        }

        async fn close(&mut self) {
            assert_eq!(Arc::strong_count(&self.under_way), 1, "closed while a request was under way");
            self.inner.close().await;
        }
    }
    let fixture = Fixture::new();
    // Nothing after the registration is answered: the machine gives every request up at its limit.
    let mut store = OneAtATime {
        under_way: Arc::new(()),
        inner: ScriptedStore {
            clock: fixture.clock.clone(),
            script: Script::default().then(Duration::ZERO, registered),
            sent: Rc::clone(&fixture.sent),
            closed: Rc::clone(&fixture.closed),
        },
    };
    let node = LocalNode { id: "a".to_owned(), incarnation: ME };
    let driver = Driver::new(fixture.clock.clone(), node, timing(), &fixture.outlets);
    let mut tasks = JoinSet::new();
    let run = driver.run(&mut store, fixture.stop.subscribe(), &fixture.wakeups, &mut tasks);
    let stop = async {
        while fixture.sent.borrow().len() < 10 {
            tokio::task::yield_now().await;
        }
        fixture.stop.send_replace(true);
        std::future::pending::<()>().await;
    };
    let exit = tokio::select! { exit = run => exit, () = stop => unreachable!() };
    assert_eq!(exit, Exit::Stopped { clean: false });
    assert!(fixture.closed.get());
}

#[tokio::test]
async fn a_failure_is_announced_with_its_reason_and_the_first_answer_ends_the_outage() {
    let mut fixture = Fixture::new();
    let script = Script::default()
        .then(Duration::ZERO, |_| Err("connection reset".to_owned()))
        .then(Duration::ZERO, |_| Err("connection reset".to_owned()))
        .then(Duration::ZERO, registered);
    fixture
        .run_until(script, async |fixture| {
            while fixture.state.borrow().node.as_ref().is_none_or(|node| !node.registered) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    let events = fixture.events();
    assert_eq!(
        events[0],
        Event::DatabaseUnreachable { reason: "connection reset".to_owned(), term: None, lease_left: None }
    );
    assert!(matches!(events[1], Event::DatabaseReachable { .. }), "{events:?}");
    assert!(matches!(events[2], Event::Joined { taken_over: false, again: false }), "{events:?}");
    assert_eq!(fixture.state.borrow().node.as_ref().unwrap().role, Role::Follower);
}
