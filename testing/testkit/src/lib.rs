//! Fixtures for tests: a real PostgreSQL, a network that can be disconnected, processes that can be stopped, and a way
//! to wait for a condition.
//!
//! Everything here panics when it fails: a test that cannot run has failed.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot run has failed")]

mod directory;
mod eventually;
mod port;
mod postgres;
mod process;
mod proxy;
mod watchdog;

pub use crate::directory::directory;
pub use crate::eventually::eventually;
pub use crate::postgres::{Database, Postgres, StopMode};
pub use crate::process::Process;
pub use crate::proxy::Proxy;

/// A directory that is deleted when it is dropped.
pub use tempfile::TempDir;

/// A Unix signal, as [`Process::signal`] sends it.
pub use rustix::process::Signal;
