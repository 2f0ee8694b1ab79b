//! The public handle.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use sea_orm::DatabaseConnection;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::AbortHandle;

use crate::clock;
use crate::config::{ElectorConfig, Settings};
use crate::database_url::DatabaseUrl;
use crate::error::Error;
use crate::runtime::published::{Ending, Published};
use crate::runtime::{self, Call, Read, hooks};
use crate::status::{Member, Status, Subscription};
use crate::store::connect::Target;
use crate::store::failure::Failure;

/// One node of one election. Cheap to clone; all clones are the same node.
///
/// When the last clone is dropped without [`stop`](Self::stop), the node leaves the election in the background, as a
/// stop would, and nobody waits for it.
#[derive(Clone)]
pub struct Elector {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    /// Which database, for messages: without a password.
    database: String,
    calls: mpsc::UnboundedSender<Call>,
    published: watch::Receiver<Published>,
    started: AtomicBool,
    /// What a stop joins. Locked for as long as that takes, so that whoever stops too waits too.
    running: Mutex<Running>,
}

struct Running {
    thread: Option<JoinHandle<()>>,
    hooks: Option<tokio::task::JoinHandle<()>>,
}

impl Elector {
    /// Connects to the database and checks that it can be used. What the URL leaves open is taken from libpq's
    /// variables, as by [`DatabaseUrl::with_libpq_defaults`].
    ///
    /// # Errors
    /// [`Error::InvalidDatabaseUrl`], [`Error::InvalidConfig`]; [`Error::Unreachable`] and [`Error::Refused`] when no
    /// connection comes about within 5 s; [`Error::SchemaMissing`] when the tables are not there.
    pub async fn connect(database_url: &str, config: ElectorConfig) -> Result<Self, Error> {
        let url = DatabaseUrl::with_libpq_defaults(database_url)?;
        let elector = Self::connect_lazy(&url, config)?;
        // Reads a row or none: what matters is that the database answers and the tables are there.
        elector.leader().await?;
        Ok(elector)
    }

    /// As [`connect`](Self::connect), but without a look at the database: once started, the node tries until it is
    /// there.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`]; [`Error::InvalidDatabaseUrl`] when a certificate that the URL names cannot be read, or
    /// a directory is in the SQLite file's place.
    pub fn connect_lazy(database_url: &DatabaseUrl, config: ElectorConfig) -> Result<Self, Error> {
        let settings = config.settings()?;
        let target = database_url.target(&application_name(&settings))?;
        Self::of_target(target, database_url.to_string(), settings)
    }

    /// Takes part through the database that `connection` leads to. The elector copies the connection's options and
    /// opens its own, few ones, so that a starved pool costs no leadership. Only an in-memory SQLite database, which
    /// is gone with its connection, is shared.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], also when the connection is neither PostgreSQL's nor SQLite's.
    pub fn new(connection: &DatabaseConnection, config: ElectorConfig) -> Result<Self, Error> {
        let settings = config.settings()?;
        let target = Target::of(connection, &application_name(&settings))?;
        Self::of_target(target, "the application's database".to_owned(), settings)
    }

    fn of_target(target: Target, database: String, settings: Settings) -> Result<Self, Error> {
        let thread = runtime::spawn(settings.clone(), target)
            .map_err(|error| Error::Crashed(format!("its thread could not be started: {error}")))?;
        Ok(Self {
            inner: Arc::new(Inner {
                settings,
                database,
                calls: thread.calls,
                published: thread.published,
                started: AtomicBool::new(false),
                running: Mutex::new(Running { thread: Some(thread.handle), hooks: None }),
            }),
        })
    }

    /// Joins the election, in the background: returns at once, also while the database is away. Hooks run on the
    /// runtime this is called from.
    ///
    /// # Errors
    /// [`Error::AlreadyStarted`]: an elector runs once.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn start(&self) -> Result<(), Error> {
        if self.inner.started.swap(true, Ordering::AcqRel) {
            return Err(Error::AlreadyStarted);
        }
        let (changes, told) = mpsc::unbounded_channel();
        let Settings { on_become_leader, on_become_follower, .. } = self.inner.settings.clone();
        let hooks = Handle::current().spawn(hooks::run(told, on_become_leader, on_become_follower));
        self.inner.running.lock().await.hooks = Some(hooks);
        // A stop may have come first: then there is nobody to start.
        drop(self.inner.calls.send(Call::Start(changes)));
        Ok(())
    }

    /// Leaves the election: gives a leadership up, deletes the node's row and ends everything. When this returns
    /// nothing of this elector runs any more, hooks included; a hook that takes longer than the election timeout is
    /// aborted. Bounded by 1.5 x heartbeat interval for the database, and by the hooks.
    ///
    /// Called in a hook it would wait for that hook, until that is aborted; ask another task to do it there.
    ///
    /// # Errors
    /// How the elector ended otherwise, as [`ended`](Self::ended) has it.
    ///
    /// # Cancel safety
    /// The stop goes on when this is dropped; call it again to wait for its end.
    pub async fn stop(&self) -> Result<(), Error> {
        drop(self.inner.calls.send(Call::Stop));
        self.ended().await
    }

    /// Waits until the elector has ended, by a stop or otherwise, and nothing of it runs any more.
    ///
    /// # Errors
    /// [`Error::Replaced`] when another process took the node's id, [`Error::Unfinished`] when the database could not
    /// be told of a stop in time, [`Error::Crashed`].
    pub async fn ended(&self) -> Result<(), Error> {
        let ending = self.subscribe().ended().await;
        let mut running = self.inner.running.lock().await;
        if let Some(thread) = running.thread.take() {
            // It has published its last; what is left takes no time. Its panics are caught inside.
            drop(thread.join());
        }
        if let Some(mut hooks) = running.hooks.take() {
            let aborted = AbortOnDrop(hooks.abort_handle());
            if tokio::time::timeout(self.inner.settings.times.election(), &mut hooks).await.is_err() {
                drop(aborted);
                drop(hooks.await);
            }
        }
        match ending {
            Ending::Stopped { clean: true } => Ok(()),
            Ending::Stopped { clean: false } => Err(Error::Unfinished),
            Ending::Replaced => Err(Error::Replaced { node_id: self.inner.settings.node_id.clone() }),
            Ending::Crashed => Err(Error::Crashed("see the log for the panic".to_owned())),
        }
    }

    /// Whether this node leads at this moment: its lease, compared with the clock, right now. Never blocks, never
    /// queries; false while the database is away for longer than the lease, in a process that was frozen past it,
    /// and after a stop.
    ///
    /// What is started on this ground may outlive the lease. Work that must not overlap with a successor's has to
    /// check its [`term`](Self::term) where it writes.
    pub fn is_leader(&self) -> bool {
        self.term().is_some()
    }

    /// The term this node leads at this moment, if it does. Never blocks, never queries.
    pub fn term(&self) -> Option<i64> {
        let published = self.inner.published.borrow();
        published.lease.filter(|lease| clock::now() < lease.deadline).map(|lease| lease.term)
    }

    /// What this node knows, at this moment. Never blocks, never queries.
    pub fn status(&self) -> Status {
        Status::of(&self.inner.published.borrow())
    }

    /// Follows the status.
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(self.inner.published.clone())
    }

    /// The leader as the database has it, if its node is live: its last heartbeat is no older than the election
    /// timeout, on the database's clock.
    ///
    /// # Errors
    /// What kept the database from answering within 5 s; [`Error::Ended`] after the elector's end.
    pub async fn leader(&self) -> Result<Option<Member>, Error> {
        self.read(Read::Leader).await
    }

    /// The live nodes, the best-ranked first.
    ///
    /// # Errors
    /// As [`leader`](Self::leader).
    pub async fn nodes(&self) -> Result<Vec<Member>, Error> {
        self.read(Read::Nodes).await
    }

    async fn read<T>(
        &self,
        read: impl FnOnce(oneshot::Sender<Result<T, Failure>>) -> Read,
    ) -> Result<T, Error> {
        let (to, result) = oneshot::channel();
        drop(self.inner.calls.send(Call::Read(read(to))));
        match result.await {
            Ok(result) => result.map_err(|failure| failure.into_error(&self.inner.database)),
            Err(_) => Err(Error::Ended),
        }
    }
}

impl fmt::Debug for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { election, node_id, role, term, .. } = self.status();
        f.debug_struct("Elector")
            .field("election", &election)
            .field("node_id", &node_id)
            .field("role", &role)
            .field("term", &term)
            .finish_non_exhaustive()
    }
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn application_name(settings: &Settings) -> String {
    format!("{}/{}", crate::database_url::APPLICATION_NAME, settings.node_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handle_can_be_cloned_and_shared_between_threads() {
        fn check<T: Clone + Send + Sync + 'static>() {}
        check::<Elector>();
        check::<Subscription>();
    }
}
