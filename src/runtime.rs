//! The loops: a thread of their own with a small runtime and few connections, so that an application that blocks its
//! executor or starves its pool does not lose its leadership by that.
//!
//! ```text
//!     timers, wake-up, replies ──> driver ──> protocol (pure) ──> commands ──> store (SQL) ──> replies
//!                                    └──> published state (watch) ──> Elector, hooks
//! ```
//!
//! **Invariant:** one task, the driver, owns role and lease and is the only publisher. It never waits for anything but
//! its next event; the one database step under way is a future it polls beside the others.

mod driver;
pub(crate) mod hooks;
pub(crate) mod published;
mod report;
mod wakeup;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tracing::Dispatch;
use uuid::Uuid;

use self::driver::Driver;
use self::published::{Ending, Published, Publisher};
use crate::config::Settings;
use crate::status::{Member, RoleChange};
use crate::store::connect::Target;
use crate::store::failure::Failure;
use crate::store::{Identity, Reader, Store};

/// How long the thread's runtime is given to put its things away.
const PARTING: Duration = Duration::from_secs(1);

/// What the handle asks of the thread.
pub(crate) enum Call {
    /// Take part. Changes of role go into the channel.
    Start(mpsc::UnboundedSender<RoleChange>),
    /// Leave, and end.
    Stop,
    /// Read from the database.
    Read(Read),
}

/// A read, and where its result goes.
pub(crate) enum Read {
    Nodes(oneshot::Sender<Result<Vec<Member>, Failure>>),
    Leader(oneshot::Sender<Result<Option<Member>, Failure>>),
}

/// The running thread, as its owner holds it. Dropping the sender asks the thread to leave and end.
pub(crate) struct Thread {
    pub calls: mpsc::UnboundedSender<Call>,
    pub published: watch::Receiver<Published>,
    pub handle: JoinHandle<()>,
}

/// Starts the thread. It waits for a call.
pub(crate) fn spawn(settings: Settings, target: Target) -> std::io::Result<Thread> {
    let (calls, inbox) = mpsc::unbounded_channel();
    let (publisher, published) = Publisher::new(&settings);
    let dispatch = tracing::dispatcher::get_default(Dispatch::clone);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = std::thread::Builder::new().name("leader-election".to_owned()).spawn(move || {
        tracing::dispatcher::with_default(&dispatch, || {
            // Dropped by a panic, the publisher withdraws the leadership.
            let ended = catch_unwind(AssertUnwindSafe(|| {
                let shared = target.is_shared();
                let ending = runtime.block_on(async {
                    let ending = serve(inbox, settings, target, &publisher).await;
                    if shared {
                        connection_returned().await;
                    }
                    ending
                });
                runtime.shutdown_timeout(PARTING);
                ending
            }));
            publisher.end(ended.unwrap_or(Ending::Crashed));
        });
    })?;
    Ok(Thread { calls, published, handle })
}

/// A shared connection goes back to its pool in a task of its own, on the runtime that used it last. Torn down before
/// that is done, the runtime would take the connection with it; and the database, which is in memory and which others
/// may still use, is gone with its connection.
async fn connection_returned() {
    let runtime = Handle::current().metrics();
    let returned = async {
        while runtime.num_alive_tasks() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    // Whatever takes longer than that hangs.
    drop(tokio::time::timeout(PARTING, returned).await);
}

async fn serve(
    mut inbox: mpsc::UnboundedReceiver<Call>,
    settings: Settings,
    target: Target,
    publisher: &Publisher,
) -> Ending {
    let mut tasks = JoinSet::new();
    let (reads, mut wanted) = mpsc::unbounded_channel();
    let mut reader =
        Reader::new(target.clone(), settings.election.clone(), settings.timing.election_timeout());
    tasks.spawn(async move {
        while let Some(read) = wanted.recv().await {
            // Whoever asked may have gone: then nobody wants the answer.
            match read {
                Read::Nodes(to) => drop(to.send(reader.nodes().await)),
                Read::Leader(to) => drop(to.send(reader.leader().await)),
            }
        }
        reader.close().await;
    });
    let changes = loop {
        match inbox.recv().await {
            Some(Call::Start(changes)) => break changes,
            Some(Call::Read(read)) => drop(reads.send(read)),
            Some(Call::Stop) | None => return Ending::Stopped { clean: true },
        }
    };
    let wakeups = Arc::new(Notify::new());
    tasks.spawn(wakeup::run(
        target.clone(),
        settings.election.clone(),
        settings.timing,
        Arc::clone(&wakeups),
    ));
    let incarnation = Uuid::new_v4();
    let store = Store::new(target, Identity::new(&settings, incarnation));
    let driver = Driver::new(&settings, incarnation, store, publisher, changes);
    let ending = driver.run(&mut inbox, &reads, &wakeups, &mut tasks).await;
    // The tasks hold nothing that needs care: connections of theirs are closed by being dropped.
    tasks.shutdown().await;
    ending
}
