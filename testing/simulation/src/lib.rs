//! The proof of safety: the real rules, and the real runtime's driver, on a model database, under an adversary.
//!
//! | module | contents |
//! |---|---|
//! | `database` | what each request means, on tables in memory |
//! | `clock`, `rng` | a machine's clock; chance that repeats |
//! | `scenario`, `faults` | what a run is made of; the kinds of faults, counted |
//! | `subject`, `node` | what is put to the test: the rules' machine alone, or the driver with it |
//! | `runtime` | a driver whose clock, store and subscriber are the simulation's |
//! | `world` | processes, the network and the database in true time, and the adversary |
//! | `observer` | sees everything at once and checks the promises |
//! | `run` | one run: faults, then quiet, then elections checked against the promises |
//! | `expectation` | which node should win such an election, and how soon |
//! | `exhaustive` | every behaviour of a small configuration |
//! | `trace` | what a replay prints |
//! | `mutation` | rules broken on purpose; what is broken around the driver is in `subject` |

mod clock;
pub mod database;
pub mod exhaustive;
mod expectation;
pub mod faults;
pub mod mutation;
mod node;
mod observer;
mod rng;
pub mod run;
mod runtime;
pub mod scenario;
pub mod subject;
mod trace;
mod world;
