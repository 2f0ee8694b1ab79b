//! The application's hooks, one after the other, on the application's own runtime.

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::config::Hook;
use crate::status::{Role, RoleChange};

/// Runs the hooks until no more changes can come and all of them have been told. A hook that panics is reported, and
/// the next change goes to the next hook all the same.
pub(crate) async fn run(
    mut changes: mpsc::UnboundedReceiver<RoleChange>,
    on_become_leader: Option<Hook>,
    on_become_follower: Option<Hook>,
) {
    let mut running = JoinSet::new();
    while let Some(change) = changes.recv().await {
        let hook = match change.role {
            Role::Leader => &on_become_leader,
            Role::Candidate | Role::Follower => &on_become_follower,
        };
        let Some(hook) = hook else { continue };
        let RoleChange { election, node_id, role, term } = change.clone();
        running.spawn(hook.call(change));
        if let Some(Err(error)) = running.join_next().await
            && error.is_panic()
        {
            tracing::error!(%election, %node_id, term, "the hook for becoming {role} panicked");
        }
    }
}
