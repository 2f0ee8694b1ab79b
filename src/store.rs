//! All SQL: every request of the rules as one statement or one transaction, with a hard time limit.

pub(crate) mod backend;
mod claim;
mod cleanup;
mod connect;
pub(crate) mod connection;
mod dialect;
mod done;
mod end_reason;
mod end_term;
pub(crate) mod error;
mod heartbeat;
mod identity;
mod leave;
mod link;
mod node_row;
mod observe;
pub(crate) mod options;
mod reading;
mod register;
pub(crate) mod session;
mod term_row;
mod values;

use std::time::Duration;

use protocol::Belief;
use protocol::Reply;
use protocol::Request;
use sea_orm::ConnectionTrait;
use sea_orm::DbErr;
use tokio::time::Instant;

use self::backend::ConnectSpec;
use self::connection::Connection;
use self::done::Done;
use self::error::StoreError;
use self::session::Session;

pub use self::error::DatabaseError;
pub use self::identity::NodeIdentity;
pub(crate) use self::reading::{LiveNode, READ_LIMIT, Reader};

/// Carries requests out, one at a time, for one node.
pub(crate) struct Store {
    connection: Connection,
    who: NodeIdentity,
}

impl Store {
    pub fn new(spec: ConnectSpec, who: NodeIdentity) -> Self {
        Self { connection: Connection::new(spec), who }
    }

    /// Writes as another node or process from now on.
    pub fn write_as(&mut self, who: NodeIdentity) {
        self.who = who;
    }

    /// Carries a request out within `limit`.
    ///
    /// # Errors
    /// The request failed. It may or may not have taken effect.
    ///
    /// # Cancel safety
    /// Dropped early, the request may or may not take effect; its connection is closed.
    pub async fn carry_out(&mut self, request: &Request, limit: Duration) -> Result<Reply, StoreError> {
        let deadline = Instant::now() + limit;
        let who = &self.who;
        let done =
            self.connection.run(limit, name(request), async |db| carry_out(db, who, request, limit).await);
        let Done { reply, leadership_changed } = done.await?;
        if leadership_changed {
            let left = deadline.saturating_duration_since(Instant::now());
            self.notify(left.min(limit / 4)).await;
        }
        Ok(reply)
    }

    /// Notifies the other nodes to observe the election. The change is committed already, and they find it by polling
    /// later. So a notification that fails or is late costs nothing but that delay.
    async fn notify(&mut self, limit: Duration) {
        let election = &self.who.election;
        let notified =
            self.connection.run(limit, "notification", async |db| match db.dialect().notify(election) {
                Some(notify) => db.query_one_raw(notify).await.map(drop),
                None => Ok(()),
            });
        if let Err(error) = notified.await {
            tracing::debug!(%election, node_id = %self.who.node_id, "{error}; the other nodes find the change by polling");
        }
    }

    pub async fn close(&mut self) {
        self.connection.close().await;
    }
}

async fn carry_out(
    db: &Session,
    who: &NodeIdentity,
    request: &Request,
    limit: Duration,
) -> Result<Done, DbErr> {
    match request {
        Request::Register { take_over } => register::register(db, who, take_over.as_ref(), limit).await,
        Request::Heartbeat { belief, seq_floor } => {
            heartbeat::heartbeat(db, who, *belief, *seq_floor).await.map(Done::from)
        }
        Request::Observe { terms } => {
            let snapshot = observe::observe(db, &who.election, &who.node_id, terms).await?;
            Ok(Reply::Snapshot(snapshot).into())
        }
        Request::Claim(claim) => claim::claim(db, who, claim, limit).await,
        Request::EndTerm { term, reason } => end_term::end_term(db, who, *term, *reason, limit).await,
        Request::Leave { end } => leave::leave(db, who, *end, limit).await,
        Request::Cleanup { older_than } => cleanup::cleanup(db, who, *older_than).await.map(Done::from),
    }
}

/// The request's name in messages.
fn name(request: &Request) -> &'static str {
    match request {
        Request::Register { .. } => "registering",
        Request::Heartbeat { belief: Belief::Leader(_), .. } => "renewal",
        Request::Heartbeat { .. } => "heartbeat",
        Request::Observe { .. } => "reading the election state",
        Request::Claim(_) => "claim",
        Request::EndTerm { .. } => "closing its own term",
        Request::Leave { .. } => "deregistering",
        Request::Cleanup { .. } => "cleanup",
    }
}

#[cfg(test)]
mod tests;
