//! Hooks: what an application runs when its role changes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use protocol::Term;

use crate::event::LossReason;
use crate::role::Role;

/// A change of this node's role, as hooks get it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RoleChange {
    /// The election.
    pub election: String,
    /// This node.
    pub node_id: String,
    /// The new role: `Leader` or `Follower`.
    pub role: Role,
    /// The term that begins or that has ended.
    #[cfg_attr(feature = "serde", serde(with = "crate::json::term"))]
    pub term: Term,
    /// Why the leadership was lost. None when it begins.
    pub reason: Option<LossReason>,
}

type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A hook: an asynchronous function of a change of role. Usually set by
/// [`ElectorConfig::on_become_leader`](crate::ElectorConfig::on_become_leader) and
/// [`on_become_follower`](crate::ElectorConfig::on_become_follower).
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn(RoleChange) -> HookFuture + Send + Sync>);

impl Hook {
    /// Wraps an asynchronous function.
    pub fn new<F, Fut>(hook: F) -> Self
    where
        F: Fn(RoleChange) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |change| Box::pin(hook(change))))
    }

    /// Calls the application's function, which may panic before it returns a future.
    pub(crate) fn call(&self, change: RoleChange) -> HookFuture {
        self.0(change)
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
