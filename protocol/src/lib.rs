//! The rules of the election: a pure state machine.
//!
//! ```text
//!     Event (tick, reply, wake, stop), now ──> Machine::handle ──> Command (send, announce, end)
//!                                                  │
//!                                                  └─> Machine::lease, Machine::outlook (what to publish)
//! ```
//!
//! Nothing here waits, queries, logs or reads a clock; nothing here knows tokio or SQL. The runtime carries out the
//! commands and feeds the results back. At most one database step is under way; a new one replaces it.
//!
//! # Who may lead
//! 1. No lease of another node is in force: its term's row says that it ended, or this node waited for as long as the
//!    lease's rows say, counted from when it first saw the newest version.
//! 2. The node is the preferred candidate ([`Electorate::preferred_candidate`]): the ended term's successor, or else the
//!    best-ranked ([`rank`]) eligible live node that was not skipped.
//! 3. Its claim finds all of that unchanged under the election's lock ([`Claim::check`]) and opens a term higher than all
//!    before it ([`Claim::min_term`]).
//! 4. It leads while the clock is before the end of its lease ([`Lease::deadline`]), which counts from before the claim
//!    or the newest renewal was sent.
//! 5. It ends a term that it does not hold any more before it claims another.
//!
//! The file `election.rs` has the whole rule, as a table at its top.
//!
//! # Files
//!
//! | file | contents |
//! |---|---|
//! | `machine` | one node: takes events in, puts the parts together |
//! | `election` | who may lead: ranking, candidacy, the claim and its check |
//! | `tenure` | this node's own leadership: none, held, orphaned, unknown |
//! | `lease` | other nodes' leases, and when they end |
//! | `liveness` | which peers move, and which are skipped |
//! | `view` | what a node sees of the election: leases, peers, its own candidacy |
//! | `membership` | this node's row: register, take over, heartbeat, leave |
//! | `agenda` | the node's tasks, and when each is due |
//! | `history` | what a node publishes about the election; it decides nothing |
//! | `message` | events, commands, requests, replies |
//! | `snapshot` | what one read of the election's rows shows |
//! | `rules` | the five rules that the simulation breaks on purpose |
//! | `node`, `term`, `time`, `timing` | a node's identity; the numbers; a point on the local clock; the durations |

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
