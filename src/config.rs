//! The settings of a node.

use std::future::Future;
use std::num::NonZeroU32;
use std::time::Duration;

use protocol::Timing;

use crate::error::Error;
use crate::hook::{Hook, RoleChange};
use crate::runtime::Settings;
use crate::runtime::hooks::Hooks;

/// The longest election name, node id and address, in bytes.
const LONGEST_NAME: usize = 255;

const TERM_HISTORY: NonZeroU32 = NonZeroU32::new(1000).unwrap();

/// How a node takes part in an election. Make one with [`ElectorConfig::new`] and change its fields. They are checked
/// when an elector is made from it.
///
/// ```
/// use std::time::Duration;
/// use leader_election::ElectorConfig;
///
/// let mut config = ElectorConfig::new("node-1");
/// config.priority = 100;
/// config.heartbeat_interval = Duration::from_secs(1);
/// config.election_timeout = Duration::from_secs(3);
/// config.node_timeout = Duration::from_secs(6);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ElectorConfig {
    /// The name of the election. The nodes of one election agree on one leader. Default `default`. One database
    /// serves any number of elections.
    pub election: String,

    /// This node's id, unique in its election: a second process with the same id replaces the first.
    pub node_id: String,

    /// The node with the highest priority leads; ties go to the lower id. Default 0. A node of higher priority that
    /// joins later does not displace the leader.
    pub priority: i32,

    /// The advertised address, at which clients reach this node. Other nodes can read it. Default none.
    pub address: Option<String>,

    /// H: how often every node writes a heartbeat. Default 5 s, at least 10 ms. A shorter interval notices a crash
    /// sooner and costs more statements: two per node and interval. A database step is given up after H / 2, so
    /// choose H well above the time that a commit may take when the database is slow.
    pub heartbeat_interval: Duration,

    /// T: a crashed leader is replaced between T - H and T after its last heartbeat. Default 15 s, at least 3 x
    /// `heartbeat_interval`. With a longer timeout, longer outages of the database cause no change of leader.
    pub election_timeout: Duration,

    /// N: every N the leader deletes the rows of nodes that have written no heartbeat for 2 N. Default 30 s, at least
    /// 2 x `election_timeout`. Elections do not depend on it.
    pub node_timeout: Duration,

    /// How much the rates of two machines' clocks may differ, as a fraction between 0 and 0.5. Default 0.1 (10 %),
    /// which is more than NTP daemons slew a clock by. A leader counts on (T - H) / (1 + this); the other nodes wait
    /// for all of T - H.
    pub clock_drift: f64,

    /// How many of an election's newest terms the cleanup keeps, as history. Default 1000.
    pub term_history: NonZeroU32,

    on_become_leader: Option<Hook>,
    on_become_follower: Option<Hook>,
}

impl ElectorConfig {
    /// The defaults for this node.
    pub fn new(node_id: impl Into<String>) -> Self {
        Self {
            election: "default".to_owned(),
            node_id: node_id.into(),
            priority: 0,
            address: None,
            heartbeat_interval: Duration::from_secs(5),
            election_timeout: Duration::from_secs(15),
            node_timeout: Duration::from_secs(30),
            clock_drift: 0.1,
            term_history: TERM_HISTORY,
            on_become_leader: None,
            on_become_follower: None,
        }
    }

    /// Runs this when the node becomes leader, on the runtime that called [`start`](crate::Elector::start). Hooks run
    /// one after the other, in the order of the changes, and delay no heartbeat. When a slow hook runs, its change
    /// may already be out of date. Check [`Elector::is_leader`](crate::Elector::is_leader) where it matters.
    ///
    /// A hook that panics is reported, and the next change goes to the next hook. A hook that still runs one
    /// `election_timeout` after the elector has ended is aborted.
    ///
    /// ```
    /// use leader_election::ElectorConfig;
    ///
    /// let config = ElectorConfig::new("node-1")
    ///     .on_become_leader(|change| async move { println!("leading term {}", change.term) })
    ///     .on_become_follower(|change| async move { println!("lost leadership: {:?}", change.reason) });
    /// ```
    #[must_use]
    pub fn on_become_leader<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(RoleChange) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_become_leader = Some(Hook::new(hook));
        self
    }

    /// Runs this when the node has lost its leadership, for any reason, including a crash of the elector's own loop.
    /// Otherwise the same as [`on_become_leader`](Self::on_become_leader).
    #[must_use]
    pub fn on_become_follower<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(RoleChange) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_become_follower = Some(Hook::new(hook));
        self
    }

    /// The checked settings, for the loops.
    pub(crate) fn settings(&self) -> Result<Settings, Error> {
        check_name("election", "election", &self.election)?;
        check_name("node_id", "node id", &self.node_id)?;
        if let Some(address) = &self.address {
            check_name("address", "address", address)?;
        }
        let timing =
            Timing::new(self.heartbeat_interval, self.election_timeout, self.node_timeout, self.clock_drift)
                .map_err(|problem| Error::invalid_config("timing", problem))?;
        Ok(Settings {
            election: self.election.clone(),
            node_id: self.node_id.clone(),
            priority: self.priority,
            address: self.address.clone(),
            timing,
            term_history: self.term_history.get(),
            hooks: Hooks {
                on_become_leader: self.on_become_leader.clone(),
                on_become_follower: self.on_become_follower.clone(),
            },
        })
    }
}

fn check_name(setting: &'static str, what: &str, name: &str) -> Result<(), Error> {
    let wrong = if name.is_empty() {
        "must not be empty".to_owned()
    } else if name.len() > LONGEST_NAME {
        format!("must be at most {LONGEST_NAME} bytes, but has {}", name.len())
    } else if name.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else if name.trim() != name {
        format!("must not begin or end with white space: {name:?}")
    } else {
        return Ok(());
    };
    Err(Error::invalid_config(setting, format!("{what} {wrong}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_refused_in_one_line_that_names_them() {
        type Change = fn(&mut ElectorConfig);
        let rows: [(Change, &str); 7] = [
            (|c| c.node_id.clear(), "node id must not be empty"),
            (|c| c.node_id = "x".repeat(256), "node id must be at most 255 bytes, but has 256"),
            (|c| c.node_id = "a\nb".into(), "node id must not contain control characters"),
            (|c| c.node_id = " a".into(), "node id must not begin or end with white space"),
            (|c| c.election.clear(), "election must not be empty"),
            (|c| c.clock_drift = f64::NAN, "clock_drift NaN must be between 0 and 0.5"),
            (|c| c.election_timeout = Duration::from_secs(14), "election_timeout 14s must be at least 3 x"),
        ];
        for (change, says) in rows {
            let mut config = ElectorConfig::new("node-1");
            change(&mut config);
            let message = config.settings().unwrap_err().to_string();
            assert!(message.starts_with(says), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
        ElectorConfig::new("node-1").settings().unwrap();
    }
}
