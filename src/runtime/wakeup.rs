//! Wake-ups: "observe now", and nothing more. Without them the node polls.

use std::sync::Arc;
use std::time::Duration;

use protocol::Timing;
use tokio::sync::Notify;

use super::outlets::Announcer;
use crate::store::backend::{ConnectSpec, Wakeup};

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

/// The longest time between two reads of a SQLite database.
const LONGEST_PACE: Duration = Duration::from_millis(200);

/// Notifies `wakeups` whenever something may have changed.
pub(super) async fn run(
    spec: ConnectSpec,
    election: String,
    timing: Timing,
    wakeups: Arc<Notify>,
    announcer: Announcer,
) {
    // A few times a second; more often only if heartbeats are that frequent.
    let pace = timing.heartbeat_interval().min(LONGEST_PACE);
    // Not every backend uses these.
    let _ = (&election, &announcer, pace);
    match spec.wakeup() {
        #[cfg(feature = "postgres")]
        Wakeup::Notification(pool) => {
            let listener = postgres::Listener::new(&election, timing, &wakeups, &announcer);
            listener.listen(|| pool.pool()).await;
        }
        #[cfg(feature = "sqlite")]
        Wakeup::DataVersion => sqlite::watch(spec, pace, timing.heartbeat_interval(), &wakeups).await,
        #[cfg(feature = "sqlite")]
        Wakeup::Polling => loop {
            tokio::time::sleep(pace).await;
            wakeups.notify_one();
        },
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests;
