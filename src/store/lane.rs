//! One connection, one command at a time, each with a hard time limit.
//!
//! What a command that was cut short did to its connection nobody can say: a `BEGIN` may be under way, an
//! answer may still come. So a connection is used again only after a command that ended in good order, and
//! closed after everything else. The closing never keeps the caller waiting.
//!
//! **Invariant:** the connection is marked for closing before the cut-off command's future is dropped. The
//! driver decides at that drop what becomes of the connection; unmarked, it would be tidied up, perhaps
//! waited for, and handed out again.

use std::{
    pin::pin,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use sea_orm::{DatabaseConnection, DbErr};
use tokio::{runtime::Handle, task::JoinSet, time::timeout};

use super::{
    connect::{Single, Target},
    error::{StoreError, leaves_connection_usable},
};

/// How long the closing of a connection may go on in the background.
const CLOSE_LIMIT: Duration = Duration::from_secs(3);

/// One connection, opened when it is first needed and again after it was closed.
pub(crate) struct Lane {
    target: Target,
    open: Option<Single>,
    closings: JoinSet<()>,
}

impl Lane {
    pub(crate) fn new(target: Target) -> Self {
        Self { target, open: None, closings: JoinSet::new() }
    }

    /// Runs one command. The limit holds for all of it, the opening of the connection included.
    ///
    /// A command that did not end in good order, that was late or whose future was dropped may or may not
    /// have taken effect, now or until the server notices that its client is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the connection is closed and the next command opens another. On a shared connection an
    /// open transaction is rolled back instead.
    pub(crate) async fn run<T>(
        &mut self,
        limit: Duration,
        step: &'static str,
        command: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, DbErr>,
    ) -> Result<T, StoreError> {
        while self.closings.try_join_next().is_some() {}
        let connecting = AtomicBool::new(false);
        let single = self.open.get_or_insert_with(|| self.target.single()).clone();
        let connection = single.connection();
        let target = &self.target;
        let work = pin!(async {
            if !single.is_open().await {
                connecting.store(true, Relaxed);
                single.open(target).await?;
                connecting.store(false, Relaxed);
            }
            command(&connection).await
        });
        // Declared after the work, so dropped before it: see the invariant.
        let cut_off = CutOff { open: &mut self.open, closings: &mut self.closings };
        match timeout(limit, work).await {
            Ok(Ok(value)) => {
                cut_off.defuse();
                Ok(value)
            }
            Ok(Err(error)) => {
                if leaves_connection_usable(&error) {
                    cut_off.defuse();
                }
                Err(StoreError::new(step, connecting.load(Relaxed), &error))
            }
            Err(_) => Err(StoreError::timeout(step, connecting.load(Relaxed), limit)),
        }
    }

    /// Closes the connection, and waits for that within a few seconds.
    pub(crate) async fn close(&mut self) {
        drop(CutOff { open: &mut self.open, closings: &mut self.closings });
        while self.closings.join_next().await.is_some() {}
    }
}

/// Closes the connection when it is dropped.
struct CutOff<'a> {
    open: &'a mut Option<Single>,
    closings: &'a mut JoinSet<()>,
}

impl CutOff<'_> {
    fn defuse(self) {
        std::mem::forget(self);
    }
}

impl Drop for CutOff<'_> {
    fn drop(&mut self) {
        let Some(single) = self.open.take_if(|single| !single.is_shared()) else { return };
        single.retire();
        // Without a runtime the socket is closed by being dropped.
        if let Ok(runtime) = Handle::try_current() {
            self.closings.spawn_on(
                async move {
                    let _ = timeout(CLOSE_LIMIT, single.close()).await;
                },
                &runtime,
            );
        }
    }
}

#[cfg(test)]
mod tests;
