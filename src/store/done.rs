//! The result of a request.

use protocol::Reply;

/// A request that was carried out.
pub(super) struct Done {
    pub(super) reply: Reply,
    /// Whether a term was opened or ended. Then the other nodes are notified to observe the election.
    pub(super) leadership_changed: bool,
}

impl Done {
    /// A leadership has begun or ended.
    pub(super) fn leadership_changed(reply: Reply) -> Self {
        Self { reply, leadership_changed: true }
    }
}

impl From<Reply> for Done {
    /// The leadership has not changed.
    fn from(reply: Reply) -> Self {
        Self { reply, leadership_changed: false }
    }
}
