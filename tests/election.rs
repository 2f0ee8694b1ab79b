//! The library as an application uses it, on a real PostgreSQL and on SQLite, with real faults.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]
#![cfg(all(feature = "postgres", feature = "sqlite"))]

#[path = "election/api.rs"]
mod api;
#[path = "election/application.rs"]
mod application;
#[path = "election/clocks.rs"]
mod clocks;
#[path = "election/faults.rs"]
mod faults;
#[path = "election/freezing.rs"]
mod freezing;
#[path = "election/load.rs"]
mod load;
#[path = "election/recovery.rs"]
mod recovery;
#[path = "election/support.rs"]
mod support;
