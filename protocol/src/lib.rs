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
//! | `times` | the durations, checked |
//! | `rows` | what the database says |
//! | `observation` | other nodes' leases, and when they run out |
//! | `peers` | which nodes move, and whose turn has passed |
//! | `ranking` | who is to lead next |
//! | `messages` | events, commands, requests, replies |
//! | `mutation` | rules broken on purpose, for the simulation |
//! | `machine` | the node itself |

mod jitter;
mod machine;
mod messages;
mod mutation;
mod observation;
mod peers;
mod ranking;
mod rows;
#[cfg(test)]
mod sketch;
mod time;
mod times;

pub use machine::{Lease, Machine, Node, Outlook, Role, SeenLeader};
pub use messages::{Cause, Change, Claim, Command, Event, Lost, Outcome, Reply, Request, TakeOver};
#[cfg(feature = "mutations")]
pub use mutation::{Mutation, break_rule};
pub use ranking::{Contest, Known, rank};
pub use rows::{EndReason, Incarnation, Incumbent, NodeRow, RowVersion, TermKey, TermRow, View};
pub use time::Time;
pub use times::SHORTEST_HEARTBEAT;
pub use times::Times;
