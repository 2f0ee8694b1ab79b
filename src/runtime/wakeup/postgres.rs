//! LISTEN on a connection of its own.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgListener, PgPool};
use sea_orm::sqlx::{Acquire as _, Connection as _, Error};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::backoff::Backoff;
use crate::protocol::Times;
use crate::store::CHANNEL;

/// LISTEN has no keepalive: a peer that vanished without a word is noticed by a ping, which is no statement.
const PING_EVERY: Duration = Duration::from_secs(15);

/// Listens, and connects again, for ever. A connection lost or made means that notifications may have been missed.
pub(super) async fn listen(pool: &PgPool, election: &str, times: Times, wakeups: &Notify) {
    let mut backoff = Backoff::new(times.heartbeat() / 4, times.election());
    loop {
        match session(pool, election, times, wakeups).await {
            Ok(()) => backoff.reset(),
            Err(error) => {
                tracing::debug!(%election, "listening for notifications failed, polling goes on: {error}");
            }
        }
        wakeups.notify_one();
        let wait = backoff.next(&mut rand::rng());
        sleep(wait).await;
    }
}

/// One connection's life. Ok when it was good for a while and then broke.
async fn session(pool: &PgPool, election: &str, times: Times, wakeups: &Notify) -> Result<(), Error> {
    let limit = times.election();
    let mut listener = timeout(limit, connect(pool)).await.map_err(|_| Error::PoolTimedOut)??;
    wakeups.notify_one();
    loop {
        match timeout(PING_EVERY, listener.try_recv()).await {
            Ok(Ok(Some(notification))) if notification.payload() == election => wakeups.notify_one(),
            Ok(Ok(Some(_))) => {}
            // Lost: what came meanwhile is lost too.
            Ok(Ok(None) | Err(_)) => return Ok(()),
            Err(_) => {
                let ping = async { listener.acquire().await?.ping().await };
                if !matches!(timeout(limit, ping).await, Ok(Ok(()))) {
                    return Ok(());
                }
            }
        }
    }
}

async fn connect(pool: &PgPool) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
