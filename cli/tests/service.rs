//! The service as one runs it: real processes, on a real PostgreSQL and on SQLite files.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "service/alone.rs"]
mod alone;
#[path = "service/bad_input.rs"]
mod bad_input;
#[path = "service/configuration.rs"]
mod configuration;
#[path = "service/database.rs"]
mod database;
#[path = "service/failover.rs"]
mod failover;
#[path = "service/frozen.rs"]
mod frozen;
#[path = "service/log.rs"]
mod log;
#[path = "service/node.rs"]
mod node;
#[path = "service/same_id.rs"]
mod same_id;
#[path = "service/schema.rs"]
mod schema;
#[path = "service/secrets.rs"]
mod secrets;
