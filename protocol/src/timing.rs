//! The durations the rules work with, checked against each other.

use std::time::Duration;

/// The shortest heartbeat interval that is accepted.
pub const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(10);

/// The durations of one node: H, T and N as configured, and those that follow from them.
///
/// See docs/DESIGN.md, "Times". Made by [`Timing::new`], so that every value has passed the checks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Timing {
    heartbeat_interval: Duration,
    election_timeout: Duration,
    node_timeout: Duration,
    renew_deadline: Duration,
}

impl Timing {
    /// Checks the three durations and the drift (a fraction: 0.1 is 10 %) against each other.
    ///
    /// # Errors
    /// One line that names both values of the bound that is broken.
    pub fn new(
        heartbeat_interval: Duration,
        election_timeout: Duration,
        node_timeout: Duration,
        clock_drift: f64,
    ) -> Result<Self, String> {
        if heartbeat_interval < SHORTEST_HEARTBEAT {
            return Err(format!(
                "heartbeat_interval {heartbeat_interval:?} must be at least {SHORTEST_HEARTBEAT:?}"
            ));
        }
        let three = heartbeat_interval.checked_mul(3).filter(|three| *three <= election_timeout);
        if three.is_none() {
            return Err(format!(
                "election_timeout {election_timeout:?} must be at least 3 x heartbeat_interval {heartbeat_interval:?}"
            ));
        }
        if election_timeout.checked_mul(2).filter(|two| *two <= node_timeout).is_none() {
            return Err(format!(
                "node_timeout {node_timeout:?} must be at least 2 x election_timeout {election_timeout:?}"
            ));
        }
        if node_timeout > Duration::from_secs(366 * 24 * 3600) {
            return Err(format!("node_timeout {node_timeout:?} must be at most a year"));
        }
        if !(0.0..=0.5).contains(&clock_drift) {
            return Err(format!("clock_drift {clock_drift} must be between 0 and 0.5 (0.1 is 10 %)"));
        }
        let lease_duration = election_timeout - heartbeat_interval;
        let renew_deadline = lease_duration.div_f64(1.0 + clock_drift);
        // A renewal sent after H that hangs for its limit of H / 2, and a pause of up to H / 10, must leave time for
        // another attempt. At T = 3H there would be none with a drift of more than 14 %.
        if renew_deadline < heartbeat_interval + heartbeat_interval / 4 * 3 {
            return Err(format!(
                "clock_drift {clock_drift} leaves a lease of {renew_deadline:?}, less than 1.75 x heartbeat_interval {heartbeat_interval:?}: \
                 raise election_timeout"
            ));
        }
        Ok(Self { heartbeat_interval, election_timeout, node_timeout, renew_deadline })
    }

    /// H: how often a node sends a heartbeat.
    pub fn heartbeat_interval(&self) -> Duration {
        self.heartbeat_interval
    }

    /// T: how long a node's row may go without a heartbeat before the node no longer counts as live.
    pub fn election_timeout(&self) -> Duration {
        self.election_timeout
    }

    /// N: how often the leader cleans up. It deletes rows without a heartbeat for 2N.
    pub fn node_timeout(&self) -> Duration {
        self.node_timeout
    }

    /// G = T - H, the lease duration: a node that sees a renewal stays away for this long.
    pub fn lease_duration(&self) -> Duration {
        self.election_timeout - self.heartbeat_interval
    }

    /// L = G / (1 + drift), the renew deadline: the leader counts on its lease for this long after it sent a renewal.
    pub fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// The hard limit of one database step: H / 2, so that a renewal that hangs leaves time for another
    /// before L has passed.
    pub fn step_limit(&self) -> Duration {
        self.heartbeat_interval / 2
    }

    /// The hard limit of a claim: H, so that its lease (at least 1.75 H) is still in force when the first renewal
    /// is due.
    pub fn claim_limit(&self) -> Duration {
        self.heartbeat_interval
    }

    /// How much time before its next renewal a leader needs to begin another step.
    pub fn min_remaining(&self) -> Duration {
        self.heartbeat_interval / 10
    }

    /// How long a graceful stop tries to end the term and to delete the node's row.
    pub fn stop_limit(&self) -> Duration {
        self.heartbeat_interval + self.step_limit()
    }

    /// How long a node that has just registered does not campaign, so that of nodes which start together the best is
    /// elected.
    pub fn startup_delay(&self) -> Duration {
        self.heartbeat_interval / 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_defaults_give_the_documented_lease() {
        let timing = Timing::new(ms(5000), ms(15000), ms(30000), 0.1).unwrap();
        assert_eq!(timing.lease_duration(), ms(10_000));
        assert_eq!(timing.renew_deadline().as_millis(), 9090);
    }

    #[test]
    fn each_broken_bound_is_named_with_both_values() {
        for (h, t, n, drift, says) in [
            (9, 30, 60, 0.1, "heartbeat_interval 9ms must be at least 10ms"),
            (2000, 5000, 10000, 0.1, "election_timeout 5s must be at least 3 x heartbeat_interval 2s"),
            (1000, 3000, 5000, 0.1, "node_timeout 5s must be at least 2 x election_timeout 3s"),
            (1000, 3000, 6000, 0.6, "clock_drift 0.6 must be between 0 and 0.5"),
            (1000, 3000, 6000, 0.5, "clock_drift 0.5 leaves a lease of"),
        ] {
            let message = Timing::new(ms(h), ms(t), ms(n), drift).unwrap_err();
            assert!(message.starts_with(says), "{message}");
        }
    }
}
