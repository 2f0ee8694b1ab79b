//! Elects one leader among the processes of a distributed system, using only the SQL database they already have.
//!
//! Every process runs an [`Elector`] with its own node id. The live node with the highest priority is elected; ties
//! go to the lower id. A node of higher priority that joins later does not displace the leader. The package
//! `migration` creates the tables. PostgreSQL is the main database; SQLite (feature `sqlite`) serves the processes of
//! one machine.
//!
//! # Quick start
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use leader_election::{DatabaseUrl, Elector, ElectorConfig, Role};
//!
//! let url: DatabaseUrl = "sqlite::memory:".parse()?; // or postgres://user:password@host/database
//! let database = url.connect().await?;
//! migration::migrate(&database).await?; // or, once and by hand: leader-election migrate up
//!
//! let elector = Elector::new(&database, ElectorConfig::new("node-1"))?;
//! elector.start()?;
//! let mut subscription = elector.subscribe();
//! while subscription.changed().await.is_some_and(|status| status.role != Role::Leader) {}
//! assert!(elector.is_leader()); // ask again wherever it matters
//! elector.stop().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```
//!
//! # What is promised
//!
//! - At any instant at most one process per election has [`is_leader()`](Elector::is_leader) `== true`, whichever
//!   process is paused, crashes, is disconnected or answers late, and whatever the wall clocks show, including the
//!   database's. This needs clocks that run at the same rate within [`clock_drift`](ElectorConfig::clock_drift), and
//!   a database that keeps what it committed.
//! - Every leadership has a [`term`](Elector::term) higher than all before it. Store it with each write and refuse
//!   lower ones. That shuts out a former leader that does not know yet that its leadership is over.
//! - While the database answers and one node lives, a leader is elected: at once after a graceful stop, after a crash
//!   within [`election_timeout`](ElectorConfig::election_timeout) of the last heartbeat, at worst one
//!   [`heartbeat_interval`](ElectorConfig::heartbeat_interval) later.
//!
//! **Not promised:** that work started as leader has stopped when the lease ends. `is_leader()` is about the moment
//! of the call; check the term where you write.
//!
//! # How it works
//!
//! A leader renews a lease by a heartbeat, one `UPDATE` of its own row. A node that sees a renewal does not claim for
//! T - H from the moment it *saw* it. The leader counts on less than that, from the moment it *sent* it. Each uses
//! its own monotonic clock. The loops run on a thread of their own. See `ARCHITECTURE.md` for the rest.

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
compile_error!("leader-election needs the feature `postgres` or `sqlite`, or both");

mod backoff;
mod clock;
mod config;
mod database_url;
mod elector;
mod error;
mod event;
mod hook;
#[cfg(feature = "serde")]
mod json;
mod raw_store;
mod role;
mod runtime;
mod status;
mod store;
mod subscription;

pub use config::ElectorConfig;
pub use conninfo::Environment;
pub use database_url::{Backend, DatabaseUrl};
pub use elector::Elector;
pub use error::{Error, ErrorKind};
pub use event::{ClaimRejection, EndReason, EndedTerm, Event, LossReason};
pub use hook::{Hook, RoleChange};
pub use protocol::Term;
pub use role::{Lifecycle, Role, UnknownName};
pub use status::{NodeInfo, Status};
pub use store::DatabaseError;
pub use subscription::Subscription;

/// For this project's own checks, which run the loops on another clock and another database. Its API is not stable.
#[doc(hidden)]
pub mod __private {
    pub use crate::clock::{Clock, SystemClock};
    pub use crate::raw_store::RawStore;
    pub use crate::runtime::driver::Driver;
    pub use crate::runtime::executor::Executor;
    pub use crate::runtime::outlets::Outlets;
    pub use crate::runtime::shared::{Exit, SharedState};
    pub use crate::store::NodeIdentity;
}
