//! All SQL: every request of the rules as one statement or one transaction, with a hard time limit.

#[cfg(feature = "internals")]
pub(crate) mod bare;
mod claim;
mod cleanup;
pub(crate) mod connect;
mod dialect;
mod ending;
pub(crate) mod failure;
mod heartbeat;
pub(crate) mod lane;
mod look;
pub(crate) mod options;
mod reading;
mod register;
mod transaction;

use std::time::Duration;

use sea_orm::{DatabaseTransaction, DbErr};
use uuid::Uuid;

use self::connect::Target;
use self::failure::Failure;
use self::lane::Lane;
use crate::config::Settings;
use protocol::{Incarnation, Reply, Request};

pub(crate) use self::reading::Reader;
#[cfg(feature = "postgres")]
pub(crate) use self::transaction::CHANNEL;

/// Who writes.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub election: String,
    pub node_id: String,
    pub incarnation: Uuid,
    pub priority: i32,
    pub address: Option<String>,
    /// G.
    pub lease: Duration,
    pub keep_terms: u32,
}

impl Identity {
    pub fn new(settings: &Settings, incarnation: Uuid) -> Self {
        Self {
            election: settings.election.clone(),
            node_id: settings.node_id.clone(),
            incarnation,
            priority: settings.priority,
            address: settings.address.clone(),
            lease: settings.times.grant(),
            keep_terms: settings.kept_terms,
        }
    }

    fn incarnation(&self) -> Incarnation {
        Incarnation(self.incarnation.as_u128())
    }

    /// Rounded up: whoever reads it must not wait for less.
    fn lease_ms(&self) -> i64 {
        i64::try_from(self.lease.as_micros().div_ceil(1000)).unwrap_or(i64::MAX)
    }
}

/// Carries requests out, one at a time, for one node.
pub(crate) struct Store {
    lane: Lane,
    who: Identity,
}

impl Store {
    pub fn new(target: Target, who: Identity) -> Self {
        Self { lane: Lane::new(target), who }
    }

    /// Carries a request out within `limit`.
    ///
    /// # Errors
    /// Whatever failed: the request may or may not have taken effect.
    ///
    /// # Cancel safety
    /// Dropped early, the request may or may not take effect; its connection is closed.
    pub async fn carry_out(&mut self, request: &Request, limit: Duration) -> Result<Reply, Failure> {
        let who = &self.who;
        let during = name(request);
        self.lane
            .run(limit, during, async |db| match request {
                Request::Register { take_over } => {
                    register::register(db, who, take_over.as_ref(), limit).await
                }
                Request::Heartbeat { term, candidate, floor } => {
                    heartbeat::heartbeat(db, who, *term, *candidate, *floor).await
                }
                Request::Observe { terms } => {
                    look::look(db, &who.election, &who.node_id, terms).await.map(Reply::View)
                }
                Request::Claim(request) => claim::claim(db, who, request, limit).await,
                Request::EndTerm { term, reason } => ending::end_term(db, who, *term, *reason, limit).await,
                Request::Leave { end } => ending::leave(db, who, *end, limit).await,
                Request::Cleanup { older_than } => cleanup::cleanup(db, who, *older_than).await,
            })
            .await
    }

    pub async fn close(&mut self) {
        self.lane.close().await;
    }
}

/// What a request is called in messages.
fn name(request: &Request) -> &'static str {
    match request {
        Request::Register { .. } => "registering",
        Request::Heartbeat { term: None, .. } => "heartbeat",
        Request::Heartbeat { term: Some(_), .. } => "renewal",
        Request::Observe { .. } => "looking at the election",
        Request::Claim(_) => "claim",
        Request::EndTerm { .. } => "ending the own term",
        Request::Leave { .. } => "deregistering",
        Request::Cleanup { .. } => "cleanup",
    }
}

/// Ends a transaction that found it has nothing to do.
async fn nothing_moved(transaction: DatabaseTransaction) -> Result<(), DbErr> {
    transaction.rollback().await
}

#[cfg(test)]
mod tests;
