use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use protocol::{Lease, NodeState, Term, Time};

use super::*;
use crate::runtime::shared::SharedState;

#[test]
fn a_panic_in_the_loop_withdraws_the_leadership_and_is_named() {
    let (outlets, state, _events) = Outlets::new(SharedState::new("e".to_owned(), "a".to_owned(), 0));
    guarded(&outlets, || {
        let lease =
            Lease { term: Term::new(1), since: Time::default(), deadline: Time::from_origin(Duration::MAX) };
        let node = NodeState {
            role: protocol::Role::Leader,
            registered: true,
            highest_term: Term::new(1),
            leader: None,
            next_leader: None,
            last_end: None,
        };
        outlets.publish(node, Some(lease), None);
        assert!(state.borrow().lease.is_some());
        panic!("a bug number {}", 7);
    });
    assert_eq!(state.borrow().lease, None);
    assert_eq!(state.borrow().exit, Some(Exit::Crashed("a bug number 7".to_owned())));
}

/// The thread may still run after its last message. Only joining it shows that it has ended.
#[tokio::test]
async fn a_node_has_ended_when_its_thread_has() {
    let (stop, _asked) = watch::channel(false);
    let (queries, _queried) = mpsc::unbounded_channel();
    let (alive, alive_seen) = watch::channel(());
    let over = Arc::new(AtomicBool::new(false));
    let thread = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            drop(alive);
            thread::sleep(Duration::from_millis(200));
            over.store(true, Ordering::SeqCst);
        }
    });
    let running = Running { stop, queries, alive: alive_seen, thread: Mutex::new(Some(thread)) };
    running.ended().await;
    assert!(over.load(Ordering::SeqCst));
    let again = Instant::now();
    running.ended().await;
    assert!(again.elapsed() < Duration::from_millis(100));
}
