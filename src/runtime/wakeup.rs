//! Wake-ups: "look again now", and nothing more. Everything works without them, just by polling.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::store::connect::Target;
use protocol::Times;

/// Notifies `wakeups` whenever something may have changed.
pub(super) async fn run(target: Target, election: String, times: Times, wakeups: Arc<Notify>) {
    // Only notifications are about one election; a file is watched for all of them.
    let _ = &election;
    match target {
        #[cfg(feature = "postgres")]
        Target::Postgres(options, pool) => {
            postgres::listen(|| Target::listener_pool(&options, &pool), &election, times, &wakeups).await;
        }
        #[cfg(feature = "sqlite")]
        Target::Sqlite(..) => sqlite::watch(target, times, &wakeups).await,
        #[cfg(feature = "sqlite")]
        // One process, no file to watch: looking is as cheap as watching.
        Target::Shared(_) => loop {
            tokio::time::sleep(pace(times)).await;
            wakeups.notify_one();
        },
    }
}

#[cfg(feature = "sqlite")]
/// A few times a second, more often only where heartbeats are that frequent.
fn pace(times: Times) -> std::time::Duration {
    times.heartbeat().min(std::time::Duration::from_millis(200))
}

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
