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

/// LISTEN has no keepalive: a peer that vanished without a word is noticed by a ping, which is no statement.
const PING_EVERY: Duration = Duration::from_secs(15);

/// How long until it is tried again whether notifications are delivered, where they were not several times in a row.
const PROBE_AGAIN: Duration = Duration::from_secs(600);

/// How long a notification may take to arrive, at the least.
const SHORTEST_PROBE: Duration = Duration::from_secs(1);

/// Why a connection's life ended.
enum End {
    /// It was good for a while, and then broke.
    Broken,
    /// What is notified does not arrive there.
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

    /// Listens, and connects again, for ever. A connection lost or made means that notifications may have been missed.
    ///
    /// Every connection has a pool of its own: the driver says good-bye to a lost one in the background, which takes as
    /// long as the system takes to give a dead peer up, and the place in the pool is taken until then.
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
                    // Once may be a moment in which the network was slow.
                    sleep(if undelivered < 3 { 4 * timing.election_timeout() } else { PROBE_AGAIN }).await;
                }
                Err(error) => announcer.announce(Event::ListeningFailed { reason: error.to_string() }),
            }
            wakeups.notify_one();
            let wait = backoff.next(&mut rand::rng());
            sleep(wait).await;
        }
    }

    /// One connection's life.
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
                // Lost, and what came meanwhile with it.
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

/// Whether notifications arrive: one on a channel that nobody else knows, from another connection, within `limit`.
///
/// Through a pooler in transaction mode a LISTEN stays behind in whatever server session it met, and what is notified
/// reaches whoever happens to use that session at the time, whose driver may take it for a broken connection. So
/// the channel that matters is not listened to before it is known that nobody else will hear it.
async fn delivers(listener: &mut PgListener, pool: &PgPool, limit: Duration) -> Result<bool, Error> {
    let channel = format!("{CHANNEL}_{}", Uuid::new_v4().simple());
    listener.listen(&channel).await?;
    let mut other = pool.connect_options().connect().await?;
    let notify = format!("SELECT pg_notify('{channel}', '')");
    match sqlx::raw_sql(AssertSqlSafe(notify)).execute(&mut other).await {
        Ok(_) => {}
        // It was given that very session, and its driver did not expect the notification.
        Err(Error::Protocol(_)) => return Ok(false),
        Err(error) => return Err(error),
    }
    let arrived = timeout(limit, listener.try_recv()).await;
    // How the parting goes does not matter.
    drop(other.close().await);
    match arrived {
        Ok(Ok(Some(_))) => {
            listener.unlisten(&channel).await?;
            Ok(true)
        }
        // The connection was lost: that says nothing about what would have arrived.
        Ok(Ok(None)) => Err(Error::PoolClosed),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests;
