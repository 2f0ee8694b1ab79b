//! The application's hooks, one after the other, on the application's own runtime.

use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use super::outlets::Announcer;
use crate::event::Event;
use crate::hook::{Hook, RoleChange};
use crate::role::Role;

/// The hooks of a configuration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hooks {
    pub on_become_leader: Option<Hook>,
    pub on_become_follower: Option<Hook>,
}

impl Hooks {
    pub fn is_empty(&self) -> bool {
        self.on_become_leader.is_none() && self.on_become_follower.is_none()
    }

    fn of(&self, role: Role) -> Option<&Hook> {
        match role {
            Role::Leader => self.on_become_leader.as_ref(),
            Role::Candidate | Role::Follower => self.on_become_follower.as_ref(),
        }
    }
}

/// Runs the hooks until no more changes can come and a hook has run for each. A hook that panics is reported, and the
/// next change goes to the next hook.
///
/// A notification in `abort` aborts the hook that is running. Of the changes that wait, only the newest still gets a
/// hook, so that the application learns its present role.
pub(super) async fn run(
    hooks: Hooks,
    mut changes: mpsc::UnboundedReceiver<RoleChange>,
    announcer: Announcer,
    abort: &Notify,
) {
    let mut running = JoinSet::new();
    let mut newest = None;
    loop {
        let change = match newest.take() {
            Some(change) => change,
            None => match changes.recv().await {
                Some(change) => change,
                None => return,
            },
        };
        let Some(hook) = hooks.of(change.role).cloned() else { continue };
        let RoleChange { role, term, .. } = change;
        // The application's function is called inside the task: it may panic before it returns a future.
        running.spawn(async move { hook.call(change).await });
        tokio::select! {
            ended = running.join_next() => {
                if let Some(Err(error)) = ended && error.is_panic() {
                    announcer.announce(Event::HookPanicked { role, term });
                }
            }
            () = abort.notified() => {
                running.shutdown().await;
                announcer.announce(Event::HookAborted { role, term });
                while let Ok(change) = changes.try_recv() {
                    newest = Some(change);
                }
            }
        }
    }
}

/// Waits until a hook has run for every change. A hook that takes longer than `limit` is aborted.
pub(super) async fn finish(mut task: JoinHandle<()>, abort: &Notify, limit: Duration) {
    while tokio::time::timeout(limit, &mut task).await.is_err() {
        // This is not stored: a hook that starts after it gets the full limit.
        abort.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
