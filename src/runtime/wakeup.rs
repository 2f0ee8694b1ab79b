//! Wake-ups: "look again now", and nothing more. Everything works without them, just by polling.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::store::backend::{ConnectSpec, Wakeup};
use protocol::Timing;

/// Notifies `wakeups` whenever something may have changed.
pub(super) async fn run(target: ConnectSpec, election: String, timing: Timing, wakeups: Arc<Notify>) {
    match target.wakeup() {
        #[cfg(feature = "postgres")]
        Wakeup::Notification(listener) => {
            postgres::listen(|| listener.pool(), &election, timing, &wakeups).await;
        }
        // A file is watched for all elections at once.
        #[cfg(feature = "sqlite")]
        Wakeup::DataVersion => sqlite::watch(target, timing, &wakeups).await,
        #[cfg(feature = "sqlite")]
        Wakeup::Polling => loop {
            tokio::time::sleep(pace(timing)).await;
            wakeups.notify_one();
        },
    }
}

#[cfg(feature = "sqlite")]
/// A few timing a second, more often only where heartbeats are that frequent.
fn pace(timing: Timing) -> std::time::Duration {
    timing.heartbeat_interval().min(std::time::Duration::from_millis(200))
}

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
