//! LISTEN on a connection of its own.

use std::time::Duration;

use sea_orm::sqlx::postgres::{PgListener, PgPool};
use sea_orm::sqlx::{self, Acquire as _, AssertSqlSafe, ConnectOptions as _, Connection as _, Error};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::event::Event;
use crate::runtime::outlets::Announcer;
use crate::store::backend::postgres::{CHANNEL, SESSION_SETTINGS};
use protocol::Timing;

/// LISTEN has no keepalive. A ping, which is no statement, shows that the server has vanished silently.
const PING_EVERY: Duration = Duration::from_secs(15);

/// How long until delivery is probed again, after notifications did not arrive several times in a row.
const PROBE_AGAIN: Duration = Duration::from_secs(600);

/// The shortest time within which a notification must arrive.
const SHORTEST_PROBE: Duration = Duration::from_secs(1);

/// How a connection ended.
enum End {
    /// It worked for a while and then broke.
    Broken,
    /// Notifications do not arrive on it.
    Undelivered,
}

/// Listens for the notifications of one election.
pub(super) struct Listener<'a> {
    election: &'a str,
    timing: Timing,
    wakeups: &'a Notify,
    announcer: &'a Announcer,
    ping_every: Duration,
}

impl<'a> Listener<'a> {
    pub fn new(election: &'a str, timing: Timing, wakeups: &'a Notify, announcer: &'a Announcer) -> Self {
        Self { election, timing, wakeups, announcer, ping_every: PING_EVERY }
    }

    /// Listens, and reconnects, for ever. Losing or making a connection means that notifications may have been
    /// missed.
    ///
    /// Every connection has a pool of its own: the driver closes a lost connection in the background, which takes
    /// until the system gives up the dead peer, and until then the connection occupies its place in the pool.
    pub async fn listen(self, pool: impl Fn() -> PgPool) {
        let Self { timing, wakeups, announcer, .. } = self;
        let mut backoff = Backoff::new(timing.heartbeat_interval() / 4, timing.election_timeout());
        let mut undelivered = 0;
        loop {
            match self.session(&pool()).await {
                Ok(End::Broken) => {
                    undelivered = 0;
                    backoff.reset();
                }
                Ok(End::Undelivered) => {
                    undelivered += 1;
                    if undelivered == 1 {
                        let polling_every = timing.heartbeat_interval();
                        announcer.announce(Event::NotificationsMissing { polling_every });
                    }
                    // A single failure may only mean that the network was slow.
                    sleep(if undelivered < 3 { 4 * timing.election_timeout() } else { PROBE_AGAIN }).await;
                }
                Err(error) => announcer.announce(Event::ListeningFailed { reason: error.to_string() }),
            }
            wakeups.notify_one();
            let wait = backoff.next(&mut rand::rng());
            sleep(wait).await;
        }
    }

    /// Runs one connection until it ends.
    async fn session(&self, pool: &PgPool) -> Result<End, Error> {
        let limit = self.timing.election_timeout();
        let mut listener = timeout(limit, connect(pool)).await.map_err(|_| Error::PoolTimedOut)??;
        let arrival = limit.max(SHORTEST_PROBE);
        let delivers = timeout(2 * arrival, delivers(&mut listener, pool, arrival));
        if !delivers.await.map_err(|_| Error::PoolTimedOut)?? {
            return Ok(End::Undelivered);
        }
        timeout(limit, listener.listen(CHANNEL)).await.map_err(|_| Error::PoolTimedOut)??;
        self.wakeups.notify_one();
        loop {
            match timeout(self.ping_every, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => {
                    if notification.payload() == self.election {
                        self.wakeups.notify_one();
                    }
                }
                // The connection is lost, and with it any notifications sent since.
                Ok(Ok(None) | Err(_)) => return Ok(End::Broken),
                Err(_) => {
                    let ping = async { listener.acquire().await?.ping().await };
                    if !matches!(timeout(limit, ping).await, Ok(Ok(()))) {
                        return Ok(End::Broken);
                    }
                }
            }
        }
    }
}

async fn connect(pool: &PgPool) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    match sqlx::raw_sql(SESSION_SETTINGS).execute(&mut listener).await {
        Ok(_) | Err(Error::Database(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(listener)
}

/// Whether notifications arrive: sends one on a new random channel from another connection, and waits for `limit`.
///
/// Through a pooler in transaction mode, a LISTEN stays in the server session that carried it out. Its notifications
/// reach the client that happens to use that session later, whose driver may take them for a protocol error. So the
/// election's channel is listened to only once it is known that no other client would get the notifications.
async fn delivers(listener: &mut PgListener, pool: &PgPool, limit: Duration) -> Result<bool, Error> {
    let channel = format!("{CHANNEL}_{}", Uuid::new_v4().simple());
    listener.listen(&channel).await?;
    let mut other = pool.connect_options().connect().await?;
    let notify = format!("SELECT pg_notify('{channel}', '')");
    match sqlx::raw_sql(AssertSqlSafe(notify)).execute(&mut other).await {
        Ok(_) => {}
        // The pooler gave it that same session, and its driver did not expect the notification.
        Err(Error::Protocol(_)) => return Ok(false),
        Err(error) => return Err(error),
    }
    let arrived = timeout(limit, listener.try_recv()).await;
    // The result of closing does not matter.
    drop(other.close().await);
    match arrived {
        Ok(Ok(Some(_))) => {
            listener.unlisten(&channel).await?;
            Ok(true)
        }
        // The connection was lost. That does not show whether notifications arrive.
        Ok(Ok(None)) => Err(Error::PoolClosed),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests;
