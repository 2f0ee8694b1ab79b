//! The log lines: one for each change of role, one for each problem, none while nothing happens.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::event::{EndedTerm, Event, LossReason};

/// Writes the lines of one node.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Writer {
    pub election: String,
    pub node_id: String,
    pub priority: i32,
    /// L: how long a leader counts on its lease after it sent a renewal.
    pub renew_deadline: Duration,
}

impl Writer {
    /// One line, with the event's name in the field `event`.
    pub fn write(&self, what: &Event) {
        let Self { election, node_id, priority, .. } = self;
        let event = what.name();
        match what {
            Event::Joined { taken_over, again } => {
                let how = match (taken_over, again) {
                    (true, _) => ", taking the row over from an earlier process",
                    (false, true) => " again: its row had been deleted",
                    (false, false) => "",
                };
                info!(event, %election, %node_id, priority, "{node_id} joined the election {election}{how}");
            }
            Event::IdHeldByLeader { lease_left } => warn!(event, %election, %node_id,
                "node id {node_id} belongs to the current leader, in another process: waiting for its lease to run \
                 out (in {} unless it renews); give every process its own NODE_ID",
                seconds(*lease_left)),
            Event::BecameLeader { term, leaderless, previous } => {
                let after = leaderless
                    .map_or(String::new(), |span| format!(" after {} without a leader", seconds(span)));
                let before = previous.as_ref().map_or("nobody was leading".to_owned(), EndedTerm::to_string);
                info!(event, %election, %node_id, term = term.get(), "{node_id} leads (term {term}){after}: {before}");
            }
            Event::LostLeadership { term, reason } => self.lost(event, term.get(), *reason),
            Event::Following { leader, term, previous } => {
                let why = previous.as_ref().map_or(String::new(), |ended| format!(": {ended}"));
                info!(event, %election, %node_id, term = term.get(), %leader, "{node_id} follows {leader} (term {term}){why}");
            }
            Event::LeaderSilent { leader, term, silent_for, lease_left, next_leader } => {
                let next = next_leader.as_deref().unwrap_or("another node");
                warn!(event, %election, %node_id, term = term.get(), %leader,
                    "{leader} silent for {}; {next} may take over in {}", seconds(*silent_for), seconds(*lease_left));
            }
            Event::DatabaseUnreachable { reason, term, lease_left } => match (term, lease_left) {
                (Some(term), Some(left)) => warn!(event, %election, %node_id, term = term.get(),
                    "{reason}; the lease still runs for {}", seconds(*left)),
                _ => warn!(event, %election, %node_id, "{reason}; retrying"),
            },
            Event::DatabaseReachable { after } => {
                info!(event, %election, %node_id, "database reachable again after {}", seconds(*after));
            }
            Event::ClaimRejected { reason } => debug!(event, %election, %node_id, "claim rejected: {reason}"),
            Event::RowsCleaned { nodes, terms } => {
                debug!(event, %election, %node_id, "cleanup deleted {nodes} node rows and {terms} old terms");
            }
            Event::NotificationsMissing { polling_every } => info!(event, %election, %node_id,
                "notifications do not arrive on this connection (a pooler in transaction mode?): polling instead, so a \
                 leader's stop is noticed within {polling_every:?}"),
            Event::ListeningFailed { reason } => {
                debug!(event, %election, %node_id, "listening for notifications failed, still polling: {reason}");
            }
            Event::HookPanicked { role, term } => {
                error!(event, %election, %node_id, term = term.get(), "the hook for becoming {role} panicked");
            }
            Event::HookAborted { role, term } => warn!(event, %election, %node_id, term = term.get(),
                "the hook for becoming {role} was still running and was aborted"),
            Event::Missed { events } => {
                warn!(event, %election, %node_id, "{events} log lines were dropped: the log subscriber was too slow");
            }
            Event::Stopped { clean: true } => {
                info!(event, %election, %node_id, "{node_id} left the election {election}");
            }
            Event::Stopped { clean: false } => warn!(event, %election, %node_id,
                "{node_id} stopped, but could not deregister in time: its row stays until cleanup deletes it \
                 and, if it led, its lease stays in force until it expires"),
            Event::Replaced => warn!(event, %election, %node_id,
                "{node_id} left the election {election}: replaced by a newer process with the same node id"),
            Event::Crashed { reason } => {
                error!(event, %election, %node_id, "{node_id} left the election {election}: its loop crashed: {reason}");
            }
        }
    }

    fn lost(&self, event: &str, term: i64, reason: LossReason) {
        let Self { election, node_id, renew_deadline, .. } = self;
        let why = match reason {
            LossReason::ShuttingDown => {
                return info!(event, %election, %node_id, term, %reason,
                    "{node_id} lost leadership of term {term}: resigned (shutting down)");
            }
            LossReason::Lapsed => format!("could not renew its lease within {}", seconds(*renew_deadline)),
            LossReason::Deposed => "its term was ended or its row was changed in the database".to_owned(),
            LossReason::Replaced => "replaced by a newer process with the same node id".to_owned(),
            LossReason::Crashed => "its loop crashed".to_owned(),
        };
        warn!(event, %election, %node_id, term, %reason, "{node_id} lost leadership of term {term}: {why}");
    }
}

/// A duration for people: `9.1s`, `34ms`.
fn seconds(span: Duration) -> String {
    if span < Duration::from_secs(1) {
        format!("{}ms", span.as_millis())
    } else {
        format!("{:.1}s", span.as_secs_f64())
    }
}
