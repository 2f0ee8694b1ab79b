//! The proof of safety: the real protocol on a model database, under an adversary.
//!
//! | module | thought |
//! |---|---|
//! | `database` | what each request means, on tables in memory |
//! | `clock`, `dice` | a machine's clock; chance that repeats |
//! | `campaign`, `faults` | what a run is made of; the kinds of faults, counted |
//! | `world` | processes, the network and the database in true time, and the adversary |
//! | `observer` | sees everything at once and checks the promises |
//! | `run` | one run: faults, then quiet, then elections measured to the letter |
//! | `exhaustive` | every behaviour of a small configuration |
//! | `trace` | what a replay prints |
//! | `mutation` | rules broken on purpose |

pub mod campaign;
mod clock;
pub mod database;
mod dice;
pub mod exhaustive;
pub mod faults;
pub mod mutation;
mod observer;
pub mod run;
mod trace;
mod world;
