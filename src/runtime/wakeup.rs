//! Wake-ups: "look again now", and nothing more. Everything works without them, just by polling.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::store::connect::Target;
use protocol::Timing;

/// Notifies `wakeups` whenever something may have changed.
pub(super) async fn run(target: Target, election: String, timing: Timing, wakeups: Arc<Notify>) {
    // Only notifications are about one election; a file is watched for all of them.
    let _ = &election;
    match target {
        #[cfg(feature = "postgres")]
        Target::Postgres(options, pool) => {
            postgres::listen(|| Target::listener_pool(&options, &pool), &election, timing, &wakeups).await;
        }
        #[cfg(feature = "sqlite")]
        Target::Sqlite(..) => sqlite::watch(target, timing, &wakeups).await,
        #[cfg(feature = "sqlite")]
        // One process, no file to watch: looking is as cheap as watching.
        Target::Shared(_) => loop {
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
