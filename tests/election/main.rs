//! The library as an application uses it, on a real PostgreSQL and on SQLite, with real faults.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]
#![cfg(all(feature = "postgres", feature = "sqlite"))]

mod api;
mod application;
mod clocks;
mod faults;
mod freezing;
mod load;
mod observer;
mod recovery;
mod support;
