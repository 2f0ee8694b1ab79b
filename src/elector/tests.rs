use super::*;
#[cfg(feature = "postgres")]
use crate::role::Lifecycle;

/// An elector with a port on which no server listens.
#[cfg(feature = "postgres")]
fn unreachable() -> Elector {
    let url = "host=127.0.0.1 port=1 user=u password=p dbname=d";
    Elector::connect_lazy(url, ElectorConfig::new("node-1")).unwrap()
}

#[test]
fn the_handle_can_be_cloned_and_shared_between_threads() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    fn send<T: Send + Sync + 'static>() {}
    check::<Elector>();
    send::<Subscription>();
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn a_system_without_threads_is_an_error_after_which_a_start_may_be_tried_again() {
    let elector = unreachable();
    // More stack than there is memory: the thread cannot be created.
    let refused = elector.start_on(thread::Builder::new().stack_size(1 << 60));
    assert!(matches!(refused, Err(Error::NoThread(_))), "{refused:?}");
    assert_eq!(elector.status().lifecycle, Lifecycle::Idle);
    elector.start().unwrap();
    assert!(matches!(elector.start(), Err(Error::AlreadyStarted)));
    // As far as the elector knows, its registration may have taken effect.
    assert!(matches!(elector.stop().await, Err(Error::StopTimedOut)));
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn an_elector_that_was_stopped_before_its_start_does_not_start() {
    let elector = unreachable();
    let mut subscription = elector.subscribe();
    elector.stop().await.unwrap();
    assert!(matches!(elector.start(), Err(Error::Ended)));
    assert!(matches!(elector.nodes().await, Err(Error::Ended)));
    assert_eq!(elector.status().lifecycle, Lifecycle::Ended);
    assert_eq!(subscription.next_event().await, Some(Event::Stopped { clean: true }));
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn an_elector_that_is_dropped_before_its_start_has_stopped_and_not_crashed() {
    let elector = unreachable();
    let mut subscription = elector.subscribe();
    drop(elector);
    assert_eq!(subscription.next_event().await, Some(Event::Stopped { clean: true }));
    assert_eq!(subscription.next_event().await, None);
}

/// Without hooks the elector needs no runtime of the application's.
#[cfg(feature = "postgres")]
#[test]
fn an_elector_runs_where_there_is_no_tokio_runtime() {
    let elector = unreachable();
    elector.start().unwrap();
    let waited = std::thread::spawn({
        let elector = elector.clone();
        move || {
            // A runtime without timers and without I/O.
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                assert!(elector.leader().await.is_err());
                elector.stop().await
            })
        }
    });
    assert!(matches!(waited.join().unwrap(), Err(Error::StopTimedOut)));
}

#[cfg(feature = "postgres")]
#[test]
fn a_start_that_has_nowhere_to_run_its_hooks_panics_and_has_started_nothing() {
    let config = ElectorConfig::new("node-1").on_become_leader(|_| async {});
    let elector = Elector::connect_lazy("host=127.0.0.1 port=1 user=u dbname=d", config).unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| elector.start()));
    assert!(panicked.is_err());
    assert_eq!(elector.status().lifecycle, Lifecycle::Idle);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        elector.start().unwrap();
        assert!(matches!(elector.stop().await, Err(Error::StopTimedOut)));
    });
}
