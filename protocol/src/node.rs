//! The node that a machine runs, and what is fixed for one run of it.

use super::rules::Rules;
use super::snapshot::NodeRow;
use super::term::Incarnation;
use super::timing::Timing;

/// A node's identity.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LocalNode {
    /// The id it takes part under.
    pub id: String,
    /// This run of its process.
    pub incarnation: Incarnation,
}

impl LocalNode {
    /// Whether this process wrote the row.
    pub(crate) fn owns(&self, row: &NodeRow) -> bool {
        row.id == self.id && row.incarnation == self.incarnation
    }
}

/// What does not change while a machine runs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Setup {
    /// The node.
    pub node: LocalNode,
    /// Its durations.
    pub timing: Timing,
    /// The rules it follows.
    pub rules: Rules,
}
