//! A private PostgreSQL server.

mod binaries;
mod client;
mod database;
mod postmaster;
mod server;
mod template;

pub use database::Database;
pub use server::{Postgres, StopMode};
