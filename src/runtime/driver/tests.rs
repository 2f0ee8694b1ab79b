use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use protocol::{Role, Term};
use tokio::sync::oneshot;

use self::bench::*;
use super::*;
use crate::event::Event as Told;
use crate::event::LossReason;

mod bench;

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
        let script = Script { at_once: true, ..willing(10) };
        bench.run_until(script, async |_| std::future::pending().await).await;
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
