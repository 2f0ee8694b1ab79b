//! The other nodes: which of them move, and whose turn has passed.
//!
//! All of it is counted on this node's own clock, from look to look; time in which this node could not look counts
//! as at most one heartbeat interval, so that an outage of the database makes nobody look dead.

use std::collections::BTreeMap;
use std::time::Duration;

use super::mutation::{self, Mutation};
use super::ranking::PeerView;
use super::snapshot::Snapshot;
use super::term::{HeartbeatSeq, Incarnation};
use super::time::Time;
use super::timing::Timing;

/// One other node, as seen so far.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Peer {
    incarnation: Incarnation,
    seq: HeartbeatSeq,
    /// How long the row has stood still.
    still: Duration,
    /// How much of that without a break in this node's looking: a live node would have moved.
    watched: Duration,
    /// How much counts against it in the present vacancy.
    still_vacant: Duration,
    /// How long it has been first in line in the present vacancy.
    first: Duration,
    skipped: bool,
}

/// The other nodes of the last look.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Peers {
    seen: BTreeMap<String, Peer>,
    looked: Option<Time>,
    /// A step has failed since the last look.
    missed: bool,
    /// Whether the last look found a vacancy, and who was first in line then.
    vacant: bool,
    first: Option<String>,
    /// Whether the look before it did.
    vacant_before: bool,
}

impl Peers {
    /// Takes in a look whose reply arrived at `now`.
    pub fn observe(&mut self, now: Time, view: &Snapshot, own_id: &str, timing: &Timing) {
        let span =
            self.looked.map_or(Duration::ZERO, |before| now.since(before)).min(timing.heartbeat_interval());
        self.looked = Some(now);
        let missed = std::mem::take(&mut self.missed);
        for row in view.nodes.iter().filter(|row| row.id != own_id) {
            let Some(peer) = self.seen.get_mut(&row.id) else {
                let peer = Peer {
                    incarnation: row.incarnation,
                    seq: row.heartbeat_seq,
                    still: row.heartbeat_age,
                    watched: Duration::ZERO,
                    still_vacant: Duration::ZERO,
                    first: Duration::ZERO,
                    skipped: false,
                };
                self.seen.insert(row.id.clone(), peer);
                continue;
            };
            if (peer.incarnation, peer.seq) == (row.incarnation, row.heartbeat_seq) {
                peer.still = peer.still.saturating_add(span);
                peer.watched = if missed { Duration::ZERO } else { peer.watched.saturating_add(span) };
                if self.vacant {
                    peer.still_vacant += span;
                }
            } else {
                (peer.incarnation, peer.seq) = (row.incarnation, row.heartbeat_seq);
                peer.still = Duration::ZERO;
                peer.watched = Duration::ZERO;
                peer.still_vacant = Duration::ZERO;
            }
            if self.first.as_ref() == Some(&row.id) {
                peer.first += span;
            }
        }
        // What the present vacancy has found about a node outlives its row's leaving the view.
        self.seen.retain(|id, peer| view.node(id).is_some() || peer.skipped || !peer.first.is_zero());
        self.vacant_before = std::mem::take(&mut self.vacant);
        self.first = None;
    }

    /// A step failed: that nobody was seen to move since the last look may be the database's fault.
    pub fn missed(&mut self) {
        self.missed = true;
    }

    /// What is known of them, for the ranking.
    pub fn known(&self, timing: &Timing) -> Vec<PeerView> {
        let known = self.seen.iter().map(|(id, peer)| PeerView {
            id: id.clone(),
            incarnation: peer.incarnation,
            heartbeat_seq: peer.seq,
            live: peer.still <= timing.election_timeout(),
            skipped: peer.skipped,
        });
        let mut known: Vec<_> = known.collect();
        known.sort_by(|a, b| a.id.cmp(&b.id));
        known
    }

    /// This process's lease was waited out: it counts as live again only once its row moves. Otherwise it would be
    /// waited for, up to T after its last heartbeat, when its successor goes too.
    pub fn fell_silent(&mut self, id: &str, incarnation: Incarnation) {
        if let Some(peer) = self.seen.get_mut(id)
            && peer.incarnation == incarnation
            && !peer.still.is_zero()
        {
            peer.still = Duration::MAX;
        }
    }

    /// In a vacancy: this node is waited for. Says whether its turn has passed: it has not moved for H and a quarter
    /// in this vacancy (a live one moves every H, but by a clock that may be slower than this one's, and its
    /// heartbeats take their time), or has been first for 2H.
    pub fn wait_for(&mut self, id: &str, timing: &Timing) -> bool {
        let Some(peer) = self.seen.get_mut(id) else { return true };
        let heartbeat = timing.heartbeat_interval();
        let spent = peer.still_vacant >= heartbeat + heartbeat / 4 || peer.first >= 2 * heartbeat;
        let spent = spent && !mutation::broken(Mutation::NoPassOver);
        peer.skipped |= spent;
        if !spent {
            self.first = Some(id.to_owned());
        }
        spent
    }

    /// The look just taken in found a vacancy: from here on standing still counts against a node, and of what was
    /// watched before, up to half of H. A node that died with the leader is then passed over within H; one that lives
    /// has still most of an interval in which to show it.
    pub fn vacant(&mut self, timing: &Timing) {
        self.vacant = true;
        if !self.vacant_before {
            for peer in self.seen.values_mut() {
                peer.still_vacant = peer.still_vacant.max(peer.watched.min(timing.heartbeat_interval() / 2));
            }
        }
    }

    /// Somebody leads and has renewed: the next vacancy is a new one, and everybody has a turn again.
    pub fn settled(&mut self) {
        for peer in self.seen.values_mut() {
            peer.still_vacant = Duration::ZERO;
            peer.first = Duration::ZERO;
            peer.skipped = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{H, at, ms, row, timing, view};
    use super::super::snapshot::NodeRow;
    use super::*;

    /// Node `b` looks.
    fn look<const N: usize>(peers: &mut Peers, now: u64, rows: [NodeRow; N]) {
        let view = rows.into_iter().fold(view(), |view, row| view.node(row));
        peers.observe(at(now), &view.into(), "b", &timing());
    }

    /// In a vacancy, `b` looks and waits for `a`. Says whether `a`'s turn has passed.
    fn wait(peers: &mut Peers, now: u64, seq: i64) -> bool {
        look(peers, now, [row("a", seq)]);
        peers.vacant(&timing());
        peers.wait_for("a", &timing())
    }

    fn live(peers: &Peers) -> bool {
        peers.known(&timing())[0].live
    }

    #[test]
    fn a_node_whose_lease_was_waited_out_is_live_again_only_once_it_moves() {
        let mut peers = Peers::default();
        look(&mut peers, 0, [row("a", 1)]);
        look(&mut peers, 800, [row("a", 1)]);
        peers.fell_silent("a", Incarnation(99));
        assert!(live(&peers), "that was another process");
        peers.fell_silent("a", row("a", 1).incarnation);
        assert!(!live(&peers));
        look(&mut peers, 900, [row("a", 2)]);
        peers.fell_silent("a", row("a", 1).incarnation);
        assert!(live(&peers), "it moved in this very look");
    }

    #[test]
    fn a_row_is_live_while_it_has_moved_within_t() {
        let mut peers = Peers::default();
        for now in (0..=3200).step_by(800) {
            look(&mut peers, now, [row("a", 1)]);
            assert!(live(&peers), "{now}");
        }
        look(&mut peers, 3300, [row("a", 1)]);
        assert!(!live(&peers));
        look(&mut peers, 3400, [row("a", 2)]);
        assert!(live(&peers));
        // Another process behind it is movement, too.
        let mut peers = Peers::default();
        look(&mut peers, 0, [NodeRow { heartbeat_age: ms(5000), ..row("a", 1) }]);
        assert!(!live(&peers));
        look(&mut peers, 1, [NodeRow { incarnation: Incarnation(99), ..row("a", 1) }]);
        assert!(live(&peers));
    }

    #[test]
    fn time_without_looking_counts_as_one_interval_at_most() {
        let mut peers = Peers::default();
        look(&mut peers, 0, [row("a", 1)]);
        for now in [60_000, 120_000, 180_000] {
            look(&mut peers, now, [row("a", 1)]);
            assert!(live(&peers), "{now}");
        }
        look(&mut peers, 240_000, [row("a", 1)]);
        assert!(!live(&peers));
    }

    #[test]
    fn an_age_however_great_overflows_nothing() {
        let mut peers = Peers::default();
        look(&mut peers, 0, [NodeRow { heartbeat_age: Duration::MAX, ..row("a", 1) }]);
        look(&mut peers, 900, [row("a", 1)]);
        assert!(!live(&peers));
    }

    #[test]
    fn standing_still_counts_from_the_beginning_of_the_vacancy_and_half_an_interval_before() {
        for (seen_from, passed_over_at) in [(0, 5 * H / 4), (H / 4, H), (H / 2, 3 * H / 4), (H, 3 * H / 4)] {
            let mut peers = Peers::default();
            for now in (10 * H - seen_from..=10 * H).step_by(100) {
                look(&mut peers, now, [row("a", 1)]);
            }
            for now in 0..passed_over_at {
                assert!(!wait(&mut peers, 10 * H + now, 1), "{now} of {passed_over_at}");
            }
            assert!(wait(&mut peers, 10 * H + passed_over_at, 1), "{seen_from}");
            assert!(peers.known(&timing())[0].skipped);
        }
    }

    #[test]
    fn nothing_before_the_vacancy_counts_when_a_step_failed_since() {
        let mut peers = Peers::default();
        look(&mut peers, 0, [row("a", 1)]);
        peers.missed();
        assert!(!wait(&mut peers, 900, 1));
        assert!(!wait(&mut peers, 900 + H, 1));
        assert!(wait(&mut peers, 900 + 5 * H / 4, 1));
    }

    #[test]
    fn movement_starts_standing_still_anew_but_not_being_first() {
        let mut peers = Peers::default();
        for (now, seq) in [(0, 1), (900, 1), (950, 2), (1800, 2), (1850, 3)] {
            assert!(!wait(&mut peers, now, seq), "{now}");
        }
        assert!(wait(&mut peers, 2 * H, 3));
    }

    #[test]
    fn only_the_first_in_line_lets_a_vacancy_stand() {
        let mut peers = Peers::default();
        for now in (0..8000).step_by(500) {
            // `c` is waited for; `a` moves all the time and is not asked.
            let seq = i64::try_from(now).unwrap();
            look(&mut peers, now, [row("a", seq), row("c", seq)]);
            peers.vacant(&timing());
            peers.wait_for("c", &timing());
        }
        let skipped = |known: &PeerView| known.skipped;
        assert_eq!(peers.known(&timing()).iter().map(skipped).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn what_a_vacancy_found_outlives_the_rows_leaving_the_view_until_it_is_settled() {
        let mut peers = Peers::default();
        wait(&mut peers, 0, 1);
        wait(&mut peers, 900, 1);
        assert!(wait(&mut peers, 1600, 1));
        look(&mut peers, 1700, []);
        look(&mut peers, 1800, [row("a", 2)]);
        assert!(peers.known(&timing())[0].skipped);
        peers.settled();
        assert!(!peers.known(&timing())[0].skipped);
        look(&mut peers, 1900, []);
        assert!(peers.known(&timing()).is_empty());
    }
}
