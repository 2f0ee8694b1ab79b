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
//!
//! | file | thought |
//! |---|---|
//! | `timing` | the durations, checked |
//! | `rows` | what the database says |
//! | `observation` | other nodes' leases, and when they run out |
//! | `peers` | which nodes move, and whose turn has passed |
//! | `ranking` | who is to lead next |
//! | `messages` | events, commands, requests, replies |
//! | `mutation` | rules broken on purpose, for the simulation |
//! | `machine` | the node itself |

#[cfg(test)]
mod fixtures;
mod jitter;
mod machine;
mod message;
mod mutation;
mod observation;
mod peers;
mod ranking;
mod snapshot;
mod term;
mod time;
mod timing;

pub use machine::{EndedTerm, Lease, LocalNode, Machine, NodeState, ObservedLeader, Role};
pub use message::{
    Belief, Change, Claim, ClaimRejected, Command, Event, LossReason, Outcome, Reply, Request, TakeOver,
};
#[cfg(feature = "mutations")]
pub use mutation::{Mutation, break_rule};
pub use ranking::{Electorate, PeerView, rank};
pub use snapshot::{EndReason, Incumbent, NodeRow, NodeStatus, RowVersion, Snapshot, TermRow};
pub use term::{HeartbeatSeq, Incarnation, LeadershipId, Term};
pub use time::Time;
pub use timing::{SHORTEST_HEARTBEAT, Timing};
