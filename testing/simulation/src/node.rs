//! The part of a process that is put to the test: the rules' machine, or the library's driver with it.

use std::time::Duration;

use protocol::{Event, Lease, LocalNode, Machine, Time, Timing};

use crate::mutation::Mutation;
use crate::runtime::{Reading, RuntimeNode, Turn};
use crate::subject::Subject;

/// One of both.
pub enum Node {
    /// A machine.
    Rules(Box<Machine>),
    /// A driver.
    Runtime(Box<RuntimeNode>),
}

impl Node {
    /// One that acts at the first event.
    pub fn new(subject: Subject, now: Time, node: LocalNode, priority: i32, timing: Timing) -> Self {
        match subject {
            Subject::Rules(mutation) => {
                let rules = Mutation::rules(mutation, &timing);
                Node::Rules(Box::new(Machine::with_rules(now, node, timing, rules)))
            }
            Subject::Runtime(flaw) => {
                Node::Runtime(Box::new(RuntimeNode::new(now, node, priority, timing, flaw)))
            }
        }
    }

    /// Takes an event in.
    ///
    /// # Errors
    /// What the runtime contradicts.
    pub fn take_in(&mut self, reading: Reading, event: Event) -> Result<Turn, String> {
        match self {
            Node::Rules(machine) => {
                Ok(Turn { commands: machine.handle(reading.before, event), told: Vec::new() })
            }
            Node::Runtime(node) => node.take_in(reading, event),
        }
    }

    /// What its clock showed when it sent its newest request, while it handles what it read `shown` for.
    pub fn sent_at(&self, shown: Time) -> Time {
        match self {
            Node::Rules(_) => shown,
            Node::Runtime(node) => node.sent_at(),
        }
    }

    /// The leadership that it holds, or says that it holds; the caller compares its deadline with the clock.
    pub fn lease(&self) -> Option<Lease> {
        match self {
            Node::Rules(machine) => machine.lease(),
            Node::Runtime(node) => node.lease(),
        }
    }

    /// What `is_leader` answers.
    pub fn lease_at(&self, now: Time) -> Option<Lease> {
        match self {
            Node::Rules(machine) => machine.lease().filter(|lease| now < lease.deadline),
            Node::Runtime(node) => node.lease_at(now),
        }
    }

    /// Whether it takes part.
    pub fn is_registered(&self, now: Time) -> bool {
        match self {
            Node::Rules(machine) => machine.outlook(now).registered,
            Node::Runtime(node) => node.is_registered(),
        }
    }

    /// When it wants to be run, if nothing else happens before.
    pub fn due(&self) -> Option<Time> {
        match self {
            Node::Rules(machine) => machine.due(),
            Node::Runtime(node) => node.due(),
        }
    }

    /// Its process is gone.
    ///
    /// # Errors
    /// What the runtime contradicts on its way out.
    pub fn crash(&mut self) -> Result<(), String> {
        match self {
            Node::Rules(_) => Ok(()),
            Node::Runtime(node) => node.crash(),
        }
    }

    /// The request under way panics. Says whether it did: the rules' machine has nothing that could.
    ///
    /// # Errors
    /// What the runtime still publishes.
    pub fn panic(&mut self) -> Result<bool, String> {
        match self {
            Node::Rules(_) => Ok(false),
            Node::Runtime(node) => node.panic(),
        }
    }

    /// Its machine was suspended for that long. The rules' machine has no timer that could stand still meanwhile.
    pub fn suspended(&mut self, span: Duration) {
        if let Node::Runtime(node) = self {
            node.suspended(span);
        }
    }
}
