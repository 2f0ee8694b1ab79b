//! The loops. They run on a thread of their own, with a small runtime and few connections, so that an application
//! that blocks its executor or exhausts its pool does not lose its leadership by that.
//!
//! ```text
//!     timers, wake-up, replies ──> driver ──> protocol (pure) ──> requests ──> store (SQL) ──> replies
//!                                    ├──> published state (watch) ──> Elector
//!                                    └──> events ──> log (a thread), hooks (the application's runtime), subscribers
//!
//!     Elector::leader, nodes ──> reads (a task) ──> store, on another connection
//! ```
//!
//! **Invariant:** one task, the driver, owns role and lease and is the only publisher. It waits for nothing but its
//! next event; the one database request under way is a future that it polls with the others.

pub(crate) mod driver;
pub(crate) mod events;
pub(crate) mod executor;
pub(crate) mod hooks;
mod log;
pub(crate) mod outlets;
pub(crate) mod reads;
pub(crate) mod shared;
mod wakeup;

use std::any::Any;
use std::convert::Infallible;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use protocol::{Incarnation, LocalNode, Timing};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

use self::driver::Driver;
use self::hooks::Hooks;
use self::log::{LogThread, Writer};
use self::outlets::Outlets;
use self::reads::Query;
use self::shared::Exit;
use crate::clock::SystemClock;
use crate::store::backend::ConnectSpec;
use crate::store::{NodeIdentity, Reader, Store};

/// How long the runtime may take to shut down; the log gets the same time again.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// The node's settings, after their checks.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub election: String,
    pub node_id: String,
    pub priority: i32,
    pub address: Option<String>,
    pub timing: Timing,
    pub term_history: u32,
    pub hooks: Hooks,
}

impl Settings {
    /// The identity under which the store writes.
    pub fn identity(&self, incarnation: Incarnation) -> NodeIdentity {
        NodeIdentity {
            election: self.election.clone(),
            node_id: self.node_id.clone(),
            incarnation,
            priority: self.priority,
            address: self.address.clone(),
            lease_duration: self.timing.lease_duration(),
            term_history: self.term_history,
        }
    }

    /// The reader of this node's election.
    pub fn reader(&self, spec: ConnectSpec) -> Reader {
        Reader::new(spec, self.election.clone(), self.timing.election_timeout())
    }
}

/// A node that runs on its thread. Dropping this makes it leave and end.
#[derive(Debug)]
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    pub queries: mpsc::UnboundedSender<Query>,
    /// Carries no messages. The thread drops the sender when it ends.
    alive: watch::Receiver<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Running {
    /// Asks the node to leave.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until the thread, its tasks and its hooks have ended.
    pub async fn ended(&self) {
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // The thread does nothing after it drops its end of `alive`. Its panics are caught inside.
            drop(thread.join());
        }
    }
}

/// Starts the node's thread.
///
/// # Errors
/// The system has no thread left, or cannot create a runtime. Nothing was started, and the publishing end is
/// returned.
///
/// # Panics
/// Outside a tokio runtime if there are hooks, before anything was started.
pub(crate) fn start(
    thread: thread::Builder,
    settings: Settings,
    spec: ConnectSpec,
    mut outlets: Outlets,
) -> Result<Running, (io::Error, Outlets)> {
    let hooks_run_on = (!settings.hooks.is_empty()).then(Handle::current);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Err((error, outlets)),
    };
    let (hand_over, work) = sync_channel(1);
    let spawned = LogThread::start(Writer {
        election: settings.election.clone(),
        node_id: settings.node_id.clone(),
        priority: settings.priority,
        renew_deadline: settings.timing.renew_deadline(),
    })
    .and_then(|log| {
        let main = move || {
            if let Ok(work) = work.recv() {
                Work::run(work);
            }
        };
        Ok((log, thread.name("leader-election".to_owned()).spawn(main)?))
    });
    let ((log, log_thread), thread) = match spawned {
        Ok(spawned) => spawned,
        Err(error) => {
            // Not by dropping it: that would block, which an asynchronous caller must not do.
            runtime.shutdown_background();
            return Err((error, outlets));
        }
    };
    outlets.log_to(log);
    let hooks = hooks_run_on.map(|hooks_run_on| {
        let (changes, told) = mpsc::unbounded_channel();
        outlets.send_to_hooks(changes);
        let abort = Arc::new(Notify::new());
        let (hooks, announcer) = (settings.hooks.clone(), outlets.announcer());
        let run = {
            let abort = Arc::clone(&abort);
            async move { hooks::run(hooks, told, announcer, &abort).await }
        };
        (hooks_run_on.spawn(run), abort)
    });
    let (stop, stop_asked) = watch::channel(false);
    let (queries, asked) = mpsc::unbounded_channel();
    let (alive, alive_seen) = watch::channel(());
    let work = Work { runtime, settings, spec, outlets, stop_asked, asked, hooks, log_thread, alive };
    // The thread waits for this.
    drop(hand_over.send(work));
    Ok(Running { stop, queries, alive: alive_seen, thread: Mutex::new(Some(thread)) })
}

/// The input of the thread.
struct Work {
    runtime: Runtime,
    settings: Settings,
    spec: ConnectSpec,
    outlets: Outlets,
    stop_asked: watch::Receiver<bool>,
    asked: mpsc::UnboundedReceiver<Query>,
    hooks: Option<(tokio::task::JoinHandle<()>, Arc<Notify>)>,
    log_thread: LogThread,
    /// Dropped last.
    alive: watch::Sender<()>,
}

impl Work {
    fn run(self) {
        let Self { runtime, settings, spec, outlets, stop_asked, asked, hooks, log_thread, alive } = self;
        let limit = settings.timing.election_timeout();
        guarded(&outlets, || runtime.block_on(serve(settings, spec, &outlets, stop_asked, asked)));
        // Dropping it closes the channels of log and hooks.
        drop(outlets);
        if let Some((task, abort)) = hooks {
            runtime.block_on(hooks::finish(task, &abort, limit));
        }
        runtime.shutdown_timeout(SHUTDOWN_GRACE);
        log_thread.finish(SHUTDOWN_GRACE);
        drop(alive);
    }
}

/// Runs the loop to its end, and publishes how it ended. A panic in the loop withdraws the leadership.
fn guarded(outlets: &Outlets, run: impl FnOnce() -> Exit) {
    let exit = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Exit::Crashed(message(&*panic)));
    outlets.end(exit);
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

async fn serve(
    settings: Settings,
    spec: ConnectSpec,
    outlets: &Outlets,
    stop_asked: watch::Receiver<bool>,
    asked: mpsc::UnboundedReceiver<Query>,
) -> Exit {
    let shared = spec.is_shared();
    let mut tasks = JoinSet::new();
    let reader = settings.reader(spec.clone());
    tasks.spawn(async move {
        let never: Infallible = reads::serve(asked, reader).await;
        match never {}
    });
    let wakeups = Arc::new(Notify::new());
    tasks.spawn(wakeup::run(
        spec.clone(),
        settings.election.clone(),
        settings.timing,
        Arc::clone(&wakeups),
        outlets.announcer(),
    ));
    let incarnation = Incarnation(Uuid::new_v4().as_u128());
    let node = LocalNode { id: settings.node_id.clone(), incarnation };
    let mut store = Store::new(spec, settings.identity(incarnation));
    let driver = Driver::new(SystemClock, node, settings.timing, outlets);
    let exit = driver.run(&mut store, stop_asked, &wakeups, &mut tasks).await;
    // The tasks need no cleanup: dropping them closes their connections.
    tasks.shutdown().await;
    drop(store);
    if shared {
        connection_returned().await;
    }
    exit
}

/// A shared connection returns to its pool in a task of its own, on the runtime that used it last. If that runtime
/// shut down first, the connection would close with it. An in-memory database, which others may still use, would be
/// lost with its connection.
async fn connection_returned() {
    let runtime = Handle::current().metrics();
    let returned = async {
        while runtime.num_alive_tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // If it takes longer than that, it hangs.
    drop(tokio::time::timeout(SHUTDOWN_GRACE, returned).await);
}

#[cfg(test)]
mod tests;
