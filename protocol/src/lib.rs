//! The rules of the election: a pure state machine.
//!
//! ```text
//!     Event (tick, reply, wake, stop), now ──> Machine::handle ──> Command (send, announce, end)
//!                                                  │
//!                                                  └─> Machine::lease, Machine::outlook (what to publish)
//! ```
//!
//! Nothing here waits, queries, logs or reads a clock; nothing here knows tokio or SQL. The runtime carries out the
//! commands and feeds the results back. At most one database step is under way; a new one takes its place.

mod agenda;
mod election;
#[cfg(test)]
mod fixtures;
mod history;
mod jitter;
mod lease;
mod liveness;
mod machine;
mod membership;
mod message;
mod node;
mod rules;
mod snapshot;
mod tenure;
mod term;
mod time;
mod timing;
mod view;

pub use election::{Claim, ClaimRejected, Electorate, rank};
pub use history::{EndedTerm, NodeState, ObservedLeader, Role};
pub use liveness::PeerView;
pub use machine::Machine;
pub use message::{Belief, Change, Command, Event, LossReason, Outcome, Reply, Request, TakeOver};
pub use node::LocalNode;
pub use rules::{ExpiryFrom, LeaseFrom, LeaseLength, Rules, Skipping, Vanishing};
pub use snapshot::{
    CANDIDATES_READ, EndReason, Incumbent, NodeRow, NodeStatus, RowVersion, Snapshot, TermRow,
};
pub use tenure::Lease;
pub use term::{HeartbeatSeq, Incarnation, LeadershipId, Term};
pub use time::Time;
pub use timing::{SHORTEST_HEARTBEAT, Timing};
