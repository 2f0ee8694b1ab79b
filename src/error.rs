//! The one error type of the public API.

use std::error::Error as StdError;

/// What can go wrong, and what that means for the leadership.
///
/// Losing an election or a renewal is not an error: those are outcomes, seen in
/// [`Status`](crate::Status). No message ever contains a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of its bounds, or two settings contradict each other. Raised when the elector is
    /// made; nothing was started.
    #[error("{0}")]
    InvalidConfig(String),

    /// The `DATABASE_URL` cannot be understood, or asks for something that cannot be carried out. Raised
    /// before any connection is tried.
    #[error("DATABASE_URL: {0}")]
    InvalidDatabaseUrl(String),

    /// The database could not be reached. Trying again may help.
    #[error("database unreachable at {database}: {source}")]
    Unreachable {
        /// Which database, without its password.
        database: String,
        /// What the driver said.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The database answered and refused this user: wrong password, unknown role, no right to connect.
    /// Trying again does not help.
    #[error("the database at {database} refused the login: {source}")]
    Refused {
        /// Which database, without its password.
        database: String,
        /// What the driver said.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The tables are not there.
    #[error(
        "the election's tables are missing: create them with `leader-election migrate up` (or `cargo run -p leader-election-migration -- up`)"
    )]
    SchemaMissing,

    /// A database step failed. A leadership held at that moment is unaffected until its lease ends.
    #[error("{during} failed: {source}")]
    Database {
        /// Which step.
        during: &'static str,
        /// What the driver said.
        source: Box<dyn StdError + Send + Sync>,
        /// Whether trying again may help (a lost connection, a deadlock, a read-only replica).
        transient: bool,
    },

    /// Another process registered under this node's id, and the newest wins. This elector has ended; any
    /// leadership it held was over before.
    #[error(
        "node {node_id} was replaced: another process registered under the same node id (give every process its own NODE_ID)"
    )]
    Replaced {
        /// The id both processes used.
        node_id: String,
    },

    /// `start` was called on an elector that was started before. Make a new one.
    #[error("this elector was started before; make a new one")]
    AlreadyStarted,

    /// The system could not start the elector's thread: it has too many, or no memory for another. Nothing was started;
    /// `start` may be called again.
    #[error("the elector's thread could not be started")]
    NoThread(#[source] std::io::Error),

    /// The elector stopped, but the database could not be told in time. Its row stays until cleanup; if it led, the
    /// others wait for its lease to run out.
    #[error("stopped, but the database could not be told in time: a lease lasts until it runs out")]
    Unfinished,

    /// The elector has ended and reads nothing any more.
    #[error("the elector has ended")]
    Ended,

    /// One of the elector's own tasks ended in a panic. The leadership, if there was one, was withdrawn.
    #[error("the elector's loop ended unexpectedly: {0}")]
    Crashed(String),
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}
