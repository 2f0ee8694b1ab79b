//! The other nodes: which of them move, and which are skipped.
//!
//! All times are counted on this node's own clock, from snapshot to snapshot. Time in which this node could not
//! observe counts as at most one heartbeat interval, so that no node counts as dead because of an outage of the
//! database.

use std::collections::BTreeMap;
use std::time::Duration;

use super::rules::{Rules, Skipping};
use super::snapshot::{NodeRow, Snapshot};
use super::term::{HeartbeatSeq, Incarnation};
use super::time::Time;
use super::timing::Timing;

/// What a node knows of another beyond the row itself.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PeerView {
    /// The other node.
    pub id: String,
    /// The process that its row belonged to.
    pub incarnation: Incarnation,
    /// Its heartbeat counter.
    pub heartbeat_seq: HeartbeatSeq,
    /// Whether that row had moved within T.
    pub live: bool,
    /// Whether this node has skipped it in this vacancy.
    pub skipped: bool,
}

/// Another node, as seen so far.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Peer {
    incarnation: Incarnation,
    heartbeat_seq: HeartbeatSeq,
    /// How long its row has not moved.
    stale_for: Duration,
    /// The part of that without a failed step of this node: a live node's row would have been seen to move.
    observed_stale_for: Duration,
    /// The part that counts against it in the present vacancy.
    stale_in_vacancy: Duration,
    /// How long it has been the preferred candidate in the present vacancy.
    preferred_for: Duration,
    skipped: bool,
}

impl Peer {
    fn new(row: &NodeRow) -> Self {
        Self {
            incarnation: row.incarnation,
            heartbeat_seq: row.heartbeat_seq,
            stale_for: row.heartbeat_age,
            observed_stale_for: Duration::ZERO,
            stale_in_vacancy: Duration::ZERO,
            preferred_for: Duration::ZERO,
            skipped: false,
        }
    }
}

/// The other nodes of the last snapshot.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Peers {
    seen: BTreeMap<String, Peer>,
    observed_at: Option<Time>,
    /// Whether a step has failed since the last snapshot.
    step_failed: bool,
    /// Whether the last snapshot showed a vacancy, and which peer was preferred then.
    vacant: bool,
    preferred: Option<String>,
    /// Whether the snapshot before it showed a vacancy.
    vacant_before: bool,
}

impl Peers {
    /// A snapshot arrived at `now`.
    pub fn observe(&mut self, now: Time, snapshot: &Snapshot, own_id: &str, timing: &Timing) {
        let span = self.observed_at.map_or(Duration::ZERO, |before| now.since(before));
        let span = span.min(timing.heartbeat_interval());
        self.observed_at = Some(now);
        let step_failed = std::mem::take(&mut self.step_failed);
        for row in snapshot.nodes.iter().filter(|row| row.id != own_id) {
            let Some(peer) = self.seen.get_mut(&row.id) else {
                self.seen.insert(row.id.clone(), Peer::new(row));
                continue;
            };
            if (peer.incarnation, peer.heartbeat_seq) == (row.incarnation, row.heartbeat_seq) {
                peer.stale_for = peer.stale_for.saturating_add(span);
                let observed = peer.observed_stale_for.saturating_add(span);
                peer.observed_stale_for = if step_failed { Duration::ZERO } else { observed };
                if self.vacant {
                    peer.stale_in_vacancy += span;
                }
            } else {
                (peer.incarnation, peer.heartbeat_seq) = (row.incarnation, row.heartbeat_seq);
                peer.stale_for = Duration::ZERO;
                peer.observed_stale_for = Duration::ZERO;
                peer.stale_in_vacancy = Duration::ZERO;
            }
            if self.preferred.as_ref() == Some(&row.id) {
                peer.preferred_for += span;
            }
        }
        // What was learned about a peer in this vacancy is kept even if its row is not in the snapshot.
        self.seen
            .retain(|id, peer| snapshot.node(id).is_some() || peer.skipped || !peer.preferred_for.is_zero());
        self.vacant_before = std::mem::take(&mut self.vacant);
        self.preferred = None;
    }

    /// A step failed. If no row has moved since the last snapshot, the database may be the cause.
    pub fn note_failed_step(&mut self) {
        self.step_failed = true;
    }

    /// What this node knows about its peers, for the ranking.
    pub fn known(&self, timing: &Timing) -> Vec<PeerView> {
        let known = self.seen.iter().map(|(id, peer)| PeerView {
            id: id.clone(),
            incarnation: peer.incarnation,
            heartbeat_seq: peer.heartbeat_seq,
            live: peer.stale_for <= timing.election_timeout(),
            skipped: peer.skipped,
        });
        known.collect()
    }

    /// This process's lease was waited out. It counts as live again only once its row moves. Otherwise, if the next
    /// leader also fails, it would be waited for until T after its last heartbeat.
    pub fn mark_dead(&mut self, id: &str, incarnation: Incarnation) {
        if let Some(peer) = self.seen.get_mut(id)
            && peer.incarnation == incarnation
            && !peer.stale_for.is_zero()
        {
            peer.stale_for = Duration::MAX;
        }
    }

    /// The last snapshot shows a vacancy. From now on, time without movement counts against a peer, and so does up to
    /// H/2 of what was observed before. A node that died with the leader is then skipped within H. A live one has at
    /// least half an interval in which to move.
    pub fn begin_vacancy(&mut self, timing: &Timing) {
        self.vacant = true;
        if !self.vacant_before {
            let most = timing.heartbeat_interval() / 2;
            for peer in self.seen.values_mut() {
                peer.stale_in_vacancy = peer.stale_in_vacancy.max(peer.observed_stale_for.min(most));
            }
        }
    }

    /// This node is the preferred candidate of the present vacancy. Returns whether it is skipped, because it was
    /// waited for long enough: it has not moved for 1.25 H (a live node moves every H, but its clock may be slower
    /// than this node's, and a heartbeat takes time), or it has been preferred for 2 H.
    pub fn skip_if_overdue(&mut self, id: &str, timing: &Timing, rules: &Rules) -> bool {
        let Some(peer) = self.seen.get_mut(id) else { return true };
        let heartbeat = timing.heartbeat_interval();
        let stale = peer.stale_in_vacancy >= heartbeat + heartbeat / 4;
        let overdue = stale || peer.preferred_for >= 2 * heartbeat;
        let skip = overdue && rules.skipping == Skipping::Bounded;
        peer.skipped |= skip;
        if !skip {
            self.preferred = Some(id.to_owned());
        }
        skip
    }

    /// A leader has renewed. The next vacancy is a new one, in which every peer is waited for again.
    pub fn end_vacancy(&mut self) {
        for peer in self.seen.values_mut() {
            peer.stale_in_vacancy = Duration::ZERO;
            peer.preferred_for = Duration::ZERO;
            peer.skipped = false;
        }
    }
}

#[cfg(test)]
mod tests;
