//! The entries of a simulated system's queue.

use protocol::{Request, Term};

use super::process::Inbound;
use crate::clock::Moment;

/// An entry of the queue.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// A process is due.
    Tick { process: usize, number: u64 },
    /// A request reaches the database.
    Arrive { process: usize, token: u64, request: Request, expected: Moment },
    /// A reply, or the news of a failure, reaches a process.
    Return { process: usize, inbound: Inbound },
    /// A fenced write reaches the database.
    Write { term: Term },
    /// A frozen process resumes.
    Resume { process: usize },
    /// The adversary injects a fault.
    InjectFault,
    /// A process starts to replace one that has gone.
    Start { id: Option<String> },
    /// The operator starts processes until enough live, and takes a backup if one may be needed.
    Refill,
}
