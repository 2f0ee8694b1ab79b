//! What came of a request.

use protocol::Reply;

/// A request that was carried out.
pub(super) struct Done {
    pub(super) reply: Reply,
    /// Whether a term was opened or ended: then the other nodes are told to observe the election.
    pub(super) leadership_changed: bool,
}

impl Done {
    /// Somebody leads now, or leads no more.
    pub(super) fn leadership_changed(reply: Reply) -> Self {
        Self { reply, leadership_changed: true }
    }
}

impl From<Reply> for Done {
    /// Whoever led still does.
    fn from(reply: Reply) -> Self {
        Self { reply, leadership_changed: false }
    }
}
