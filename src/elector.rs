//! The public handle.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use protocol::Term;
use sea_orm::DatabaseConnection;
use tokio::sync::{broadcast, oneshot, watch};

use crate::clock;
use crate::config::ElectorConfig;
use crate::database_url::DatabaseUrl;
use crate::error::Error;
use crate::event::Event;
use crate::runtime::outlets::Outlets;
use crate::runtime::reads::{Query, Waiter};
use crate::runtime::shared::{Exit, SharedState};
use crate::runtime::{self, Running, Settings};
use crate::status::{NodeInfo, Status};
use crate::store::backend::{APPLICATION_NAME, ConnectSpec};
use crate::store::error::StoreError;
use crate::store::{LiveNode, READ_LIMIT, Reader};
use crate::subscription::Subscription;

/// One node of one election. Cheap to clone; all clones are the same node.
///
/// When the last clone is dropped without [`stop`](Self::stop), the node leaves the election in the background, as
/// after a stop, and nothing waits for it.
///
/// A process must not be duplicated while an elector runs in it. After `fork()` the child has the state but not the
/// thread: its [`is_leader`](Self::is_leader) answers like its parent's until the lease that it knows is over.
#[derive(Clone)]
pub struct Elector {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    spec: ConnectSpec,
    /// The database's name for messages, without a password.
    database: String,
    state: watch::Receiver<SharedState>,
    /// Never read: subscriptions are made from it.
    events: broadcast::Receiver<Event>,
    life: Mutex<Life>,
}

enum Life {
    Idle(Outlets),
    Running(Arc<Running>),
    /// Stopped before it was started.
    NeverRan,
}

impl Elector {
    /// Connects to the database and checks that it can be used. `database` is a [`DatabaseUrl`] or its text. Settings
    /// missing from a text are not taken from libpq's variables (see [`DatabaseUrl::with_libpq_defaults`]).
    ///
    /// # Errors
    /// [`Error::InvalidDatabaseUrl`], [`Error::InvalidConfig`]; [`Error::Unreachable`] and [`Error::AccessDenied`]
    /// when no connection could be made within 5 s; [`Error::SchemaMissing`] when the tables are missing.
    ///
    /// # Cancel safety
    /// Cancel safe: the connection it made is closed.
    ///
    /// # Panics
    /// Outside a tokio runtime with timers and I/O.
    pub async fn connect<D>(database: D, config: ElectorConfig) -> Result<Self, Error>
    where
        D: TryInto<DatabaseUrl, Error: Into<Error>>,
    {
        let elector = Self::connect_lazy(database, config)?;
        // Any answer will do: it shows that the database answers and that the tables exist.
        elector.leader().await?;
        Ok(elector)
    }

    /// The same as [`connect`](Self::connect), but without connecting: once started, the node retries until the
    /// database is reachable.
    ///
    /// # Errors
    /// [`Error::InvalidDatabaseUrl`], [`Error::InvalidConfig`].
    pub fn connect_lazy<D>(database: D, config: ElectorConfig) -> Result<Self, Error>
    where
        D: TryInto<DatabaseUrl, Error: Into<Error>>,
    {
        let database = database.try_into().map_err(Into::into)?;
        let settings = config.settings()?;
        let spec = database.spec(&application_name(&settings))?;
        Ok(Self::of_spec(spec, database.to_string(), settings))
    }

    /// Takes part through the database of `connection`. The elector copies the connection's options and opens a few
    /// connections of its own, so that an exhausted pool costs no leadership. Only an in-memory SQLite database,
    /// which ends with its connection, is shared.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], also when the connection is not to PostgreSQL or SQLite.
    pub fn new(connection: &DatabaseConnection, config: ElectorConfig) -> Result<Self, Error> {
        let settings = config.settings()?;
        let spec = ConnectSpec::of(connection, &application_name(&settings)).ok_or_else(|| {
            Error::invalid_config(
                "database",
                "the database connection has to be a pool of PostgreSQL or SQLite connections",
            )
        })?;
        Ok(Self::of_spec(spec, "the application's database".to_owned(), settings))
    }

    fn of_spec(spec: ConnectSpec, database: String, settings: Settings) -> Self {
        let Settings { election, node_id, priority, .. } = settings.clone();
        let (outlets, state, events) = Outlets::new(SharedState::new(election, node_id, priority));
        let life = Mutex::new(Life::Idle(outlets));
        Self { inner: Arc::new(Inner { settings, spec, database, state, events, life }) }
    }

    /// Joins the election in the background: starts the elector's thread and returns at once, even if the database is
    /// unreachable. Hooks run on the tokio runtime that this is called from; without hooks no runtime is needed.
    ///
    /// An elector runs once.
    ///
    /// # Errors
    /// [`Error::AlreadyStarted`]; [`Error::Ended`] after a stop; [`Error::NoThread`], after which it can be called
    /// again.
    ///
    /// # Panics
    /// Outside a tokio runtime if the configuration has hooks. Then nothing was started.
    pub fn start(&self) -> Result<(), Error> {
        self.start_on(thread::Builder::new())
    }

    fn start_on(&self, thread: thread::Builder) -> Result<(), Error> {
        let Inner { settings, spec, state, .. } = &*self.inner;
        if !settings.hooks.is_empty() {
            // Panics if hooks could not run, before anything has changed.
            let _ = tokio::runtime::Handle::current();
        }
        let mut life = self.inner.life();
        match std::mem::replace(&mut *life, Life::NeverRan) {
            Life::Idle(outlets) => match runtime::start(thread, settings.clone(), spec.clone(), outlets) {
                Ok(running) => {
                    *life = Life::Running(Arc::new(running));
                    Ok(())
                }
                Err((error, outlets)) => {
                    *life = Life::Idle(outlets);
                    Err(Error::NoThread(error))
                }
            },
            Life::Running(running) => {
                *life = Life::Running(running);
                let ended = state.borrow().exit.is_some();
                Err(if ended { Error::Ended } else { Error::AlreadyStarted })
            }
            Life::NeverRan => Err(Error::Ended),
        }
    }

    /// Leaves the election: resigns, deletes the node's row and ends everything. When this returns, nothing of this
    /// elector runs any more, hooks included. It takes at most 1.5 x heartbeat interval for the database, one
    /// election timeout for the hook that is running and one for the last hook, and a second for the log. If the
    /// log's subscriber blocks for longer, its thread is left behind.
    ///
    /// Do not call this from a hook: it would wait for that hook until the hook is aborted. Spawn a task that calls
    /// it.
    ///
    /// ```
    /// use leader_election::{Elector, Error};
    ///
    /// async fn shut_down(elector: &Elector) -> Result<(), Error> {
    ///     match elector.stop().await {
    ///         // The other nodes wait until the lease has run out.
    ///         Err(Error::StopTimedOut) => Ok(()),
    ///         ended => ended,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The other errors of [`wait`](Self::wait).
    ///
    /// # Cancel safety
    /// The stop continues when this is dropped. To wait for its end, call it again, or [`wait`](Self::wait).
    pub async fn stop(&self) -> Result<(), Error> {
        let never_ran = {
            let mut life = self.inner.life();
            match std::mem::replace(&mut *life, Life::NeverRan) {
                Life::Running(running) => {
                    running.stop();
                    *life = Life::Running(running);
                    None
                }
                Life::Idle(outlets) => Some(outlets),
                Life::NeverRan => None,
            }
        };
        if let Some(outlets) = never_ran {
            outlets.end(Exit::Stopped { clean: true });
        }
        self.wait().await
    }

    /// Waits until the elector has ended, by a stop or otherwise, and nothing of it runs any more. An elector that
    /// was not started ends only by a stop.
    ///
    /// # Errors
    /// [`Error::Replaced`] when another process took the node's id, [`Error::StopTimedOut`] when the node could not
    /// deregister from the database in time, [`Error::Crashed`].
    ///
    /// # Cancel safety
    /// Cancel safe: dropping this changes nothing for the elector or its hooks.
    pub async fn wait(&self) -> Result<(), Error> {
        let mut state = self.inner.state.clone();
        let exit = match state.wait_for(|state| state.exit.is_some()).await {
            Ok(state) => state.exit.clone(),
            Err(_) => None,
        };
        let running = match &*self.inner.life() {
            Life::Running(running) => Some(Arc::clone(running)),
            Life::Idle(_) | Life::NeverRan => None,
        };
        if let Some(running) = running {
            running.ended().await;
        }
        match exit {
            Some(Exit::Stopped { clean: true }) => Ok(()),
            Some(Exit::Stopped { clean: false }) => Err(Error::StopTimedOut),
            Some(Exit::Replaced) => Err(Error::Replaced { node_id: self.inner.settings.node_id.clone() }),
            Some(Exit::Crashed(reason)) => Err(Error::Crashed(reason)),
            None => Err(Error::Crashed("it ended without reporting why".to_owned())),
        }
    }

    /// Whether this node leads at this moment: compares its lease with the clock. Never blocks, never queries. False
    /// if the database has been unreachable for longer than the lease, in a process that was frozen for longer, and
    /// after a stop.
    ///
    /// Work that is started because this was true may outlive the lease. Work that must not overlap with the next
    /// leader's has to check its [`term`](Self::term) where it writes.
    pub fn is_leader(&self) -> bool {
        self.term().is_some()
    }

    /// The term this node leads at this moment, if it does. Never blocks, never queries.
    ///
    /// ```
    /// use leader_election::Elector;
    ///
    /// /// Refuses what a leader of an older term writes: `UPDATE .. SET .. WHERE term <= $1`.
    /// fn fencing_token(elector: &Elector) -> Option<i64> {
    ///     elector.term().map(|term| term.get())
    /// }
    /// ```
    pub fn term(&self) -> Option<Term> {
        let state = self.inner.state.borrow();
        state.lease_at(clock::now()).map(|lease| lease.term)
    }

    /// What this node knows, at this moment. Never blocks, never queries.
    pub fn status(&self) -> Status {
        Status::of(&self.inner.state.borrow(), clock::now())
    }

    /// Subscribes to the status and the events.
    ///
    /// ```
    /// use leader_election::{Elector, Role};
    ///
    /// async fn leads(elector: &Elector) {
    ///     let mut subscription = elector.subscribe();
    ///     while subscription.changed().await.is_some_and(|status| status.role != Role::Leader) {}
    /// }
    /// ```
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(self.inner.state.clone(), self.inner.events.resubscribe())
    }

    /// The leader according to the database, if its node is live: its last heartbeat is no older than the election
    /// timeout, by the database's clock.
    ///
    /// It differs from [`status()`](Self::status)`.leader`, which is this node's own view without a query: the leader
    /// whose lease is in force by this node's own clock. This one is a query and returns more (address, priority,
    /// age). It returns a crashed leader for up to one election timeout after its last heartbeat, and none between
    /// two terms. Neither says whether *this* node may act: [`is_leader`](Self::is_leader) does.
    ///
    /// A started elector reads on its own thread and needs no tokio runtime here. Before the start, each read opens a
    /// connection.
    ///
    /// # Errors
    /// The reason why the database did not answer within 5 s of this call; [`Error::Ended`] after the elector's end.
    ///
    /// # Cancel safety
    /// Cancel safe: a read whose caller has gone is not carried out.
    ///
    /// # Panics
    /// Before the start, outside a tokio runtime with timers and I/O.
    pub async fn leader(&self) -> Result<Option<NodeInfo>, Error> {
        let leader = self.read(Query::Leader, async |reader| reader.leader(READ_LIMIT).await).await?;
        Ok(leader.map(NodeInfo::from))
    }

    /// The live nodes, the best-ranked first.
    ///
    /// # Errors
    /// As [`leader`](Self::leader).
    ///
    /// # Cancel safety
    /// As [`leader`](Self::leader).
    ///
    /// # Panics
    /// As [`leader`](Self::leader).
    pub async fn nodes(&self) -> Result<Vec<NodeInfo>, Error> {
        let nodes: Vec<LiveNode> =
            self.read(Query::Nodes, async |reader| reader.nodes(READ_LIMIT).await).await?;
        Ok(nodes.into_iter().map(NodeInfo::from).collect())
    }

    async fn read<T>(
        &self,
        query: impl FnOnce(Waiter<T>) -> Query,
        once: impl AsyncFnOnce(&mut Reader) -> Result<T, StoreError>,
    ) -> Result<T, Error> {
        let Inner { settings, spec, database, .. } = &*self.inner;
        let answer: Option<oneshot::Receiver<_>> = match &*self.inner.life() {
            Life::Idle(_) => None,
            Life::Running(running) => {
                let (waiter, answer) = Waiter::new();
                // If the thread has ended, the waiter is dropped, and the answer says so.
                drop(running.queries.send(query(waiter)));
                Some(answer)
            }
            Life::NeverRan => return Err(Error::Ended),
        };
        let result = match answer {
            Some(answer) => answer.await.map_err(|_| Error::Ended)?,
            None => {
                let mut reader = settings.reader(spec.clone());
                let result = once(&mut reader).await;
                reader.close().await;
                result
            }
        };
        result.map_err(|error| Error::of_store(error, database))
    }
}

impl Inner {
    fn life(&self) -> MutexGuard<'_, Life> {
        // No code panics while it holds the lock.
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Life::Idle(outlets) = &*self.life() {
            outlets.end(Exit::Stopped { clean: true });
        }
    }
}

impl fmt::Debug for Elector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { election, node_id, role, held_term, .. } = self.status();
        f.debug_struct("Elector")
            .field("election", &election)
            .field("node_id", &node_id)
            .field("role", &role)
            .field("term", &held_term)
            .finish_non_exhaustive()
    }
}

fn application_name(settings: &Settings) -> String {
    format!("{}/{}", APPLICATION_NAME, settings.node_id)
}

#[cfg(test)]
mod tests;
