//! The schema on real databases: created, rolled back, shared with an application, guarded by triggers.

#![allow(clippy::unwrap_used, reason = "tests")]

mod concurrent;
mod end_reason;
mod entities_on_both;
mod guards;
mod plain_sql;
mod postgres_only;
mod shared_database;
mod test_database;
mod up_and_down;
