//! The proof of safety: the real protocol on a model database, under an adversary.
//!
//! | module | contents |
//! |---|---|
//! | `database` | what each request means, on tables in memory |
//! | `clock`, `rng` | a machine's clock; random numbers that a seed repeats |
//! | `scenario`, `faults` | the parameters of a run; the kinds of faults, counted |
//! | `world` | processes, the network and the database in true time, and the adversary |
//! | `observer` | sees everything at once and checks the promises |
//! | `run` | one run: faults, then quiet, then elections checked against the promises |
//! | `expectation` | which node should win such an election, and how soon |
//! | `exhaustive` | every behaviour of a small configuration |
//! | `trace` | what a replay prints |
//! | `mutation` | rules broken on purpose |

mod clock;
pub mod database;
pub mod exhaustive;
mod expectation;
pub mod faults;
pub mod mutation;
mod observer;
mod rng;
pub mod run;
pub mod scenario;
mod trace;
mod world;
