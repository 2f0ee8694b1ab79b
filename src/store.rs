//! All SQL: every request of the rules as one statement or one transaction, with a hard time limit.

#[cfg(feature = "internals")]
pub(crate) mod bare;
mod claim;
mod cleanup;
pub(crate) mod connect;
mod dialect;
mod end_reason;
mod end_term;
pub(crate) mod failure;
mod heartbeat;
mod identity;
pub(crate) mod lane;
mod leave;
mod node_row;
mod observe;
mod reading;
mod register;
mod term_row;
mod transaction;
mod values;

use std::time::Duration;

use protocol::Belief;
use protocol::Reply;
use protocol::Request;

use self::connect::Target;
use self::failure::Failure;
use self::lane::Lane;

pub(crate) use self::identity::NodeIdentity;
pub(crate) use self::reading::{LiveNode, READ_LIMIT, Reader};
#[cfg(feature = "postgres")]
pub(crate) use self::transaction::CHANNEL;

/// Carries requests out, one at a time, for one node.
pub(crate) struct Store {
    lane: Lane,
    who: NodeIdentity,
}

impl Store {
    pub fn new(target: Target, who: NodeIdentity) -> Self {
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
        self.lane
            .run(limit, name(request), async |db| match request {
                Request::Register { take_over } => {
                    register::register(db, who, take_over.as_ref(), limit).await
                }
                Request::Heartbeat { belief, seq_floor } => {
                    heartbeat::heartbeat(db, who, *belief, *seq_floor).await
                }
                Request::Observe { terms } => {
                    observe::observe(db, &who.election, &who.node_id, terms).await.map(Reply::Snapshot)
                }
                Request::Claim(request) => claim::claim(db, who, request, limit).await,
                Request::EndTerm { term, reason } => end_term::end_term(db, who, *term, *reason, limit).await,
                Request::Leave { end } => leave::leave(db, who, *end, limit).await,
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
