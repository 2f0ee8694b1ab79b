use std::sync::{Arc, Mutex};
use std::time::Instant;

use protocol::Term;
use tokio::sync::broadcast;

use super::*;
use crate::runtime::outlets::Outlets;
use crate::runtime::shared::SharedState;

type Seen = Arc<Mutex<Vec<String>>>;

fn change(role: Role, term: i64) -> RoleChange {
    let reason = None;
    RoleChange { election: "e".to_owned(), node_id: "a".to_owned(), role, term: Term::new(term), reason }
}

fn noting(seen: &Seen) -> Hook {
    let seen = Arc::clone(seen);
    Hook::new(move |change| {
        let seen = Arc::clone(&seen);
        async move { seen.lock().unwrap().push(format!("{} {}", change.role, change.term)) }
    })
}

struct Running {
    /// Dropping it is an event of the tests, too.
    _outlets: Outlets,
    changes: mpsc::UnboundedSender<RoleChange>,
    events: broadcast::Receiver<Event>,
    abort: Arc<Notify>,
    task: JoinHandle<()>,
}

fn start(on_become_leader: Hook, on_become_follower: Hook) -> Running {
    let (outlets, _, events) = Outlets::new(SharedState::new("e".to_owned(), "a".to_owned(), 0));
    let (changes, told) = mpsc::unbounded_channel();
    let hooks =
        Hooks { on_become_leader: Some(on_become_leader), on_become_follower: Some(on_become_follower) };
    let abort = Arc::new(Notify::new());
    let task = tokio::spawn({
        let (abort, announcer) = (Arc::clone(&abort), outlets.announcer());
        async move { run(hooks, told, announcer, &abort).await }
    });
    Running { _outlets: outlets, changes, events, abort, task }
}

/// A panic before the hook's future is reported like one inside it.
#[tokio::test]
async fn a_hook_that_panics_is_reported_and_the_next_change_gets_its_hook() {
    fn bug() -> bool {
        true
    }
    let early = Hook::new(|_| {
        assert!(!bug(), "before there is a future");
        async {}
    });
    let late = Hook::new(|_| async { assert!(!bug(), "in the future") });
    for panicking in [early, late] {
        let seen = Seen::default();
        let mut running = start(panicking, noting(&seen));
        running.changes.send(change(Role::Leader, 1)).unwrap();
        running.changes.send(change(Role::Follower, 1)).unwrap();
        drop(running.changes);
        running.task.await.unwrap();
        assert_eq!(*seen.lock().unwrap(), ["follower 1"]);
        let panicked = Event::HookPanicked { role: Role::Leader, term: Term::new(1) };
        assert_eq!(running.events.recv().await.unwrap(), panicked);
    }
}

#[tokio::test]
async fn a_hook_that_hangs_is_aborted_in_time_and_the_application_learns_its_present_role() {
    let seen = Seen::default();
    let mut running = start(Hook::new(|_| std::future::pending()), noting(&seen));
    for (role, term) in [(Role::Leader, 1), (Role::Follower, 1), (Role::Leader, 2), (Role::Follower, 2)] {
        running.changes.send(change(role, term)).unwrap();
    }
    drop(running.changes);
    let limit = Duration::from_millis(200);
    let start = Instant::now();
    finish(running.task, &running.abort, limit).await;
    assert!((limit..10 * limit).contains(&start.elapsed()), "it took {:?}", start.elapsed());
    assert_eq!(*seen.lock().unwrap(), ["follower 2"]);
    let aborted = Event::HookAborted { role: Role::Leader, term: Term::new(1) };
    assert_eq!(running.events.recv().await.unwrap(), aborted);
}

#[tokio::test]
async fn a_hook_within_the_limit_is_waited_for() {
    let seen = Seen::default();
    let slow = {
        let seen = Arc::clone(&seen);
        Hook::new(move |_| {
            let seen = Arc::clone(&seen);
            async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                seen.lock().unwrap().push("slow".to_owned());
            }
        })
    };
    let running = start(slow, noting(&seen));
    running.changes.send(change(Role::Leader, 1)).unwrap();
    running.changes.send(change(Role::Follower, 1)).unwrap();
    drop(running.changes);
    finish(running.task, &running.abort, Duration::from_secs(20)).await;
    assert_eq!(*seen.lock().unwrap(), ["slow", "follower 1"]);
}

/// An abort cannot interrupt code that does not await. The hooks end when that code ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_blocks_its_thread_has_ended_when_the_hooks_have() {
    let seen = Seen::default();
    let blocking = {
        let seen = Arc::clone(&seen);
        Hook::new(move |_| {
            let seen = Arc::clone(&seen);
            async move {
                std::thread::sleep(Duration::from_millis(300));
                seen.lock().unwrap().push("blocking".to_owned());
            }
        })
    };
    let running = start(blocking, noting(&seen));
    running.changes.send(change(Role::Leader, 1)).unwrap();
    drop(running.changes);
    finish(running.task, &running.abort, Duration::from_millis(50)).await;
    assert_eq!(*seen.lock().unwrap(), ["blocking"]);
}
