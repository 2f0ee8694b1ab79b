//! One connection, one command at a time, each with a hard time limit.
//!
//! When a command is interrupted, the state of its connection is unknown: a `BEGIN` may be under way, a reply may
//! still arrive. So a connection is used again only after a command that left it idle and in no transaction. In every
//! other case it is closed, and the caller does not wait for that.
//!
//! **Invariant:** while a command runs, only the command has the connection. It is returned only when the command is
//! known to have left it usable. If the command's future is dropped, it is not returned.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use sea_orm::DbErr;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::backend::ConnectSpec;
use super::error::StoreError;
use super::error::leaves_connection_usable;
use super::session::Session;

/// How long closing a connection may take in the background.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// One connection, opened when it is first needed and again after it was closed.
pub(crate) struct Connection {
    spec: ConnectSpec,
    /// None while a command runs.
    idle: Option<Session>,
    closings: JoinSet<()>,
    /// Whether the reason is known why the last session could not be opened.
    diagnosed: bool,
}

impl Connection {
    pub(crate) fn new(spec: ConnectSpec) -> Self {
        Self { spec, idle: None, closings: JoinSet::new(), diagnosed: false }
    }

    /// Runs one command. The limit includes opening the connection.
    ///
    /// A command that failed, that was late or whose future was dropped may or may not have taken effect. It may
    /// still do so until the server notices that its client has gone.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the connection is closed and the next command opens another. On a shared connection an open
    /// transaction is rolled back instead.
    pub(crate) async fn run<T>(
        &mut self,
        limit: Duration,
        step: &'static str,
        command: impl AsyncFnOnce(&Session) -> Result<T, DbErr>,
    ) -> Result<T, StoreError> {
        let Self { spec, idle, closings, diagnosed } = self;
        while closings.try_join_next().is_some() {}
        let connecting = AtomicBool::new(idle.is_none());
        let mut held = Held { session: idle.take(), closings };
        let work = async {
            let session = match &mut held.session {
                Some(session) => session,
                none => none.insert(spec.connect(!std::mem::replace(diagnosed, true)).await?),
            };
            connecting.store(false, Relaxed);
            *diagnosed = false;
            command(session).await
        };
        let result = timeout(limit, work).await;
        let usable = match &result {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => leaves_connection_usable(error),
            Err(_) => false,
        };
        *idle = held.session.take_if(|session| usable && !session.is_in_transaction());
        let connecting = connecting.into_inner();
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(StoreError::new(step, connecting, &error)),
            Err(_) => Err(StoreError::timeout(step, connecting, limit)),
        }
    }

    /// Closes the connection, and waits for that for a few seconds at most.
    pub(crate) async fn close(&mut self) {
        drop(Held { session: self.idle.take(), closings: &mut self.closings });
        while self.closings.join_next().await.is_some() {}
    }
}

/// A session that is closed on drop, unless it was taken out.
struct Held<'a> {
    session: Option<Session>,
    closings: &'a mut JoinSet<()>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        // Without a runtime, dropping the session closes the socket.
        if let Ok(runtime) = Handle::try_current() {
            let closing = async move {
                // If the server does not answer the end of the session, dropping closes the socket.
                drop(timeout(CLOSE_LIMIT, session.close()).await);
            };
            self.closings.spawn_on(closing, &runtime);
        }
    }
}

#[cfg(test)]
mod tests;
