//! The state that others may see. The driver is its only publisher.

use tokio::sync::watch;

use crate::config::Settings;
use protocol::{Lease, NodeState, Time};

/// How an elector ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// As asked; `clean` unless the database could not be told.
    Stopped { clean: bool },
    /// Another process took the node's id.
    Replaced,
    /// The loop panicked or was torn down.
    Crashed,
}

/// What is published. Nothing in it says "I am leader": whoever asks compares the lease's deadline with the clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Published {
    pub election: String,
    pub node_id: String,
    pub priority: i32,
    /// None before the start.
    pub outlook: Option<NodeState>,
    pub lease: Option<Lease>,
    pub database_seen: Option<Time>,
    pub ending: Option<Ending>,
}

/// The publishing end. Dropped without [`Publisher::end`], as in a panic, it withdraws the leadership.
pub(crate) struct Publisher(watch::Sender<Published>);

impl Publisher {
    pub fn new(settings: &Settings) -> (Self, watch::Receiver<Published>) {
        let (sender, receiver) = watch::channel(Published {
            election: settings.election.clone(),
            node_id: settings.node_id.clone(),
            priority: settings.priority,
            outlook: None,
            lease: None,
            database_seen: None,
            ending: None,
        });
        (Self(sender), receiver)
    }

    pub fn publish(&self, outlook: NodeState, lease: Option<Lease>, database_seen: Option<Time>) {
        self.0.send_if_modified(|published| {
            let before = published.clone();
            published.outlook = Some(outlook);
            published.lease = lease;
            published.database_seen = database_seen;
            *published != before
        });
    }

    pub fn end(&self, ending: Ending) {
        self.0.send_if_modified(|published| {
            let ends = published.ending.is_none();
            if ends {
                published.lease = None;
                published.ending = Some(ending);
            }
            ends
        });
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.end(Ending::Crashed);
    }
}
