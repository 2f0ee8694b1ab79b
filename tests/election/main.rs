//! The library as an application uses it, on a real PostgreSQL and on SQLite, with real faults. Each feature adds the
//! tests of its database.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "tests")]
#![cfg(any(feature = "postgres", feature = "sqlite"))]
#![cfg_attr(
    not(all(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "each database's tests use their part of what is shared")
)]

#[cfg(feature = "postgres")]
mod api;
#[cfg(feature = "sqlite")]
mod application;
#[cfg(feature = "postgres")]
mod clocks;
#[cfg(feature = "postgres")]
mod faults;
#[cfg(feature = "postgres")]
mod freezing;
#[cfg(feature = "postgres")]
mod load;
mod observer;
#[cfg(feature = "postgres")]
mod recovery;
#[cfg(feature = "sqlite")]
mod sqlite;
mod support;
