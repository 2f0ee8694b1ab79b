//! What can happen in a simulated system.

use protocol::{Request, Term};

use super::process::Inbound;
use crate::clock::Moment;

/// Something that will happen.
#[derive(Clone, PartialEq, Debug)]
pub enum Happening {
    /// A process wakes up as it asked to.
    Tick { process: usize, number: u64 },
    /// A request reaches the database.
    Arrive { process: usize, token: u64, request: Request, expected: Moment },
    /// A reply, or the news of a failure, reaches a process.
    Return { process: usize, inbound: Inbound },
    /// A fenced write reaches the database.
    Write { term: Term },
    /// A frozen process goes on.
    Resume { process: usize },
    /// The adversary injects a fault.
    InjectFault,
    /// A process starts in the place of one that went.
    Start { id: Option<String> },
    /// The operator sees to it that enough processes live, and takes a backup where one may be needed.
    Refill,
}
