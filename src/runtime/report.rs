//! What an operator reads: one line for a change of role, one for what needs attention, none in calm.

use std::fmt::Write as _;
use std::time::Duration;

use tracing::{debug, info, warn};

use crate::config::Settings;
use crate::store::error::StoreError;
use protocol::{
    Change, ClaimRejected, EndReason, EndedTerm, LeadershipId, Lease, LossReason, Machine, NodeState,
    ObservedLeader, Outcome, Time, Timing,
};

pub(super) struct Report {
    election: String,
    node_id: String,
    priority: i32,
    timing: Timing,
    /// The leadership last told of, and whether it was this node's own.
    followed: Option<LeadershipId>,
    /// The leader's silence last told of.
    silence: Option<(LeadershipId, Time, Duration)>,
    failing_since: Option<Time>,
    waiting: bool,
    last_outlook: Option<NodeState>,
}

impl Report {
    pub fn new(settings: &Settings) -> Self {
        Self {
            election: settings.election.clone(),
            node_id: settings.node_id.clone(),
            priority: settings.priority,
            timing: settings.timing,
            followed: None,
            silence: None,
            failing_since: None,
            waiting: false,
            last_outlook: None,
        }
    }

    pub fn names(&self) -> (String, String) {
        (self.election.clone(), self.node_id.clone())
    }

    /// Compares what the node sees with what was told last. Whether a leader is silent can be told only by one who has
    /// just looked: between two looks a renewal may be there that was not read yet.
    pub fn outlook(&mut self, now: Time, machine: &Machine, looked: bool) {
        let outlook = machine.outlook(now);
        if let Some(leader) = &outlook.leader {
            self.follows(leader, &outlook);
            if looked {
                self.silent(now, leader, &outlook);
            }
        } else if machine.lease().is_some() {
            self.followed = None;
        }
        self.last_outlook = Some(outlook);
    }

    fn follows(&mut self, leader: &ObservedLeader, outlook: &NodeState) {
        if self.followed == Some(leader.leadership) {
            return;
        }
        self.followed = Some(leader.leadership);
        let Self { election, node_id, .. } = self;
        let term = leader.leadership.term;
        let why = match &outlook.last_end {
            Some(ended) if ended.term < term => format!(": {}", ending(ended)),
            _ => String::new(),
        };
        info!(%election, %node_id, term = term.get(), leader = %leader.id, "{node_id} follows {} (term {term}){why}", leader.id);
    }

    /// A leader that is overdue, told at most once an interval.
    fn silent(&mut self, now: Time, leader: &ObservedLeader, outlook: &NodeState) {
        let heartbeat = self.timing.heartbeat_interval();
        let silence = now.since(leader.seen_at);
        let told =
            self.silence.filter(|(key, seen_at, _)| (*key, *seen_at) == (leader.leadership, leader.seen_at));
        if silence < heartbeat + heartbeat / 6
            || told.is_some_and(|(.., before)| silence < before + heartbeat)
        {
            return;
        }
        self.silence = Some((leader.leadership, leader.seen_at, silence));
        let Self { election, node_id, .. } = self;
        let term = leader.leadership.term;
        let next = outlook.next_leader.as_deref().unwrap_or("another node");
        let left = leader.expires.since(now);
        warn!(%election, %node_id, term = term.get(), leader = %leader.id,
            "{} silent for {}; {next} may take over in {}", leader.id, seconds(silence), seconds(left));
    }

    pub fn changed(&mut self, now: Time, change: &Change) {
        let Self { election, node_id, priority, .. } = self;
        match change {
            Change::Joined { taken_over, again } => {
                self.waiting = false;
                let how = match (taken_over, again) {
                    (true, _) => ", taking the row over from an earlier process",
                    (false, true) => " again: the row had been deleted",
                    (false, false) => "",
                };
                info!(%election, %node_id, priority, "{node_id} joined the election {election}{how}");
            }
            Change::IdHeldByLeader { until } => {
                if !std::mem::replace(&mut self.waiting, true) {
                    warn!(%election, %node_id,
                        "{node_id} is the leader's id, in another process: waiting for its lease to run out \
                         (in {} unless it renews); give every process its own NODE_ID",
                        seconds(until.since(now)));
                }
            }
            Change::BecameLeader { term, leaderless } => {
                let mut how = String::new();
                if let Some(span) = leaderless {
                    let _ = write!(how, " after {} without a leader", seconds(*span));
                }
                let last = self.last_outlook.as_ref().and_then(|outlook| outlook.last_end.as_ref());
                if let Some(ended) = last {
                    let _ = write!(how, ": {}", ending(ended));
                } else {
                    how.push_str(": nobody was leading");
                }
                info!(%election, %node_id, term = term.get(), "{node_id} leads (term {term}){how}");
            }
            Change::LostLeadership { term, reason } => {
                self.followed = None;
                let lease = seconds(self.timing.renew_deadline());
                match reason {
                    LossReason::ShuttingDown => {
                        info!(%election, %node_id, term = term.get(), "{node_id} leads no more (term {term}): it gave the leadership up to stop");
                    }
                    LossReason::Lapsed => {
                        warn!(%election, %node_id, term = term.get(),
                            "{node_id} leads no more (term {term}): it could not renew its lease within {lease}");
                    }
                    LossReason::Deposed => {
                        warn!(%election, %node_id, term = term.get(),
                            "{node_id} leads no more (term {term}): its term or its row was ended in the database");
                    }
                    LossReason::Replaced => {
                        warn!(%election, %node_id, term = term.get(),
                            "{node_id} leads no more (term {term}): another process took its id");
                    }
                }
            }
            Change::ClaimRejected(lost) => {
                let why = match lost {
                    ClaimRejected::IncumbentChanged => "the leadership has changed meanwhile".to_owned(),
                    ClaimRejected::BetterCandidate(id) => format!("{id} ranks higher"),
                    ClaimRejected::OwnRowChanged => "its own row has changed".to_owned(),
                    ClaimRejected::Raced => "another node was faster".to_owned(),
                };
                debug!(%election, %node_id, "claim given up: {why}");
            }
            Change::Cleaned { nodes, terms } => {
                debug!(%election, %node_id, "cleanup deleted {nodes} node rows and {terms} old terms");
            }
        }
    }

    /// The first failure after an answer is told, the others only to those who debug.
    pub fn failed(&mut self, now: Time, failure: &StoreError, lease: Option<Lease>) {
        let Self { election, node_id, .. } = self;
        let error = failure.to_string();
        if self.failing_since.is_some() {
            debug!(%election, %node_id, "{error}");
            return;
        }
        self.failing_since = Some(now);
        // After a pause the failure may be heard of before the end of the lease is.
        match lease.filter(|lease| now < lease.deadline) {
            Some(lease) => warn!(%election, %node_id, term = lease.term.get(),
                "{error}; the lease still runs for {}", seconds(lease.deadline.since(now))),
            None => warn!(%election, %node_id, "{error}; trying again"),
        }
    }

    pub fn answered(&mut self, now: Time) {
        if let Some(since) = self.failing_since.take() {
            let Self { election, node_id, .. } = self;
            info!(%election, %node_id, "the database answers again, after {}", seconds(now.since(since)));
        }
    }

    pub fn ended(&mut self, outcome: Outcome) {
        let Self { election, node_id, .. } = self;
        match outcome {
            Outcome::Stopped { clean: true } => {
                info!(%election, %node_id, "{node_id} left the election {election}")
            }
            Outcome::Stopped { clean: false } => warn!(%election, %node_id,
                "{node_id} stopped, but the database could not be told: its row stays until it is cleaned up, \
                 and its lease, if it led, until that runs out"),
            Outcome::Replaced => warn!(%election, %node_id,
                "another process registered as {node_id}: this one has left the election {election}"),
        }
    }
}

fn ending(ended: &EndedTerm) -> String {
    let EndedTerm { term, leader_id: who, reason } = ended;
    match reason {
        EndReason::Resigned => format!("{who} resigned from term {term}"),
        EndReason::Transferred => format!("{who} transferred term {term}"),
        EndReason::Preempted => format!("{who} gave term {term} up for a higher priority"),
        EndReason::Lapsed => format!("{who} lost its lease of term {term}"),
        EndReason::Expired => format!("{who} fell silent in term {term}"),
        EndReason::Replaced => format!("a new process took over {who}, which led term {term}"),
    }
}

/// As people read it: `9.1s`, `34ms`.
fn seconds(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{}ms", span.as_millis())
    } else {
        format!("{:.1}s", span.as_secs_f64())
    }
}
