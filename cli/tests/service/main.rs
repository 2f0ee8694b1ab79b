//! The command as a user runs it: real processes, on a real PostgreSQL and on SQLite files.

#![allow(clippy::unwrap_used, reason = "tests")]

mod alone;
mod bad_input;
mod configuration;
mod database;
mod failover;
mod frozen;
mod log;
mod node;
mod same_id;
mod schema;
mod secrets;
