//! What a user sets, and what the loops get: the same, checked.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;
use crate::status::RoleChange;
use protocol::Timing;

/// The longest election name, node id and address, in bytes.
const LONGEST_NAME: usize = 255;

/// How a node takes part. Make one with [`ElectorConfig::new`] and change its fields.
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
    /// The thing being led; nodes of one election agree on one leader. Default `default`. One database serves any
    /// number of elections.
    pub election: String,

    /// This node's id, its own among the election's nodes: a second process under the same id replaces the first.
    pub node_id: String,

    /// The highest priority leads; ties go to the lower id. Default 0. A sitting leader is not displaced.
    pub priority: i32,

    /// Where clients reach this node, for others to read. Default none.
    pub address: Option<String>,

    /// H: how often every node writes a heartbeat. Default 5 s, at least 10 ms. Shorter notices a crash sooner and
    /// costs more statements: two per node and interval. Database steps are given up after H / 2, so choose it well
    /// above what the database takes for a commit on a bad day.
    pub heartbeat_interval: Duration,

    /// T: a crashed leader is replaced between T - H and T after its last heartbeat. Default 15 s, at least
    /// 3 x `heartbeat_interval`. Longer forgives longer outages of the database without a change of leader.
    pub election_timeout: Duration,

    /// N: how often the leader deletes the rows of nodes that have not been heard of for twice this long. Default
    /// 30 s, at least 2 x `election_timeout`. Elections do not depend on it.
    pub node_timeout: Duration,

    /// By how much two machines' clocks may differ in rate, as a fraction. Default 0.1 (10 %), which is more than NTP
    /// daemons slew a clock by. A leader counts on (T - H) / (1 + this); the others wait for all of T - H.
    pub clock_drift: f64,

    /// How many of an election's newest terms cleanup keeps, as history. Default 1000, at least 1.
    pub kept_terms: u32,

    /// Runs when this node becomes leader, on the runtime that called [`start`](crate::Elector::start). Hooks run one
    /// after the other, in the order of the changes, and delay no heartbeat; a slow hook may run when its change is
    /// already history, so check [`Elector::is_leader`](crate::Elector::is_leader) where it matters.
    pub on_become_leader: Option<Hook>,

    /// Runs when this node leads no more.
    pub on_become_follower: Option<Hook>,
}

impl ElectorConfig {
    /// The defaults, for this node.
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
            kept_terms: 1000,
            on_become_leader: None,
            on_become_follower: None,
        }
    }

    /// The settings, checked.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], with one line that says what is wrong, if the elector would refuse them.
    pub fn check(&self) -> Result<(), Error> {
        self.settings().map(drop)
    }

    pub(crate) fn settings(&self) -> Result<Settings, Error> {
        check_name("election", &self.election)?;
        check_name("node id", &self.node_id)?;
        if let Some(address) = &self.address {
            check_name("address", address)?;
        }
        if self.kept_terms == 0 {
            return Err(Error::InvalidConfig("kept_terms 0 must be at least 1".to_owned()));
        }
        let timing =
            Timing::new(self.heartbeat_interval, self.election_timeout, self.node_timeout, self.clock_drift)
                .map_err(Error::InvalidConfig)?;
        Ok(Settings {
            election: self.election.clone(),
            node_id: self.node_id.clone(),
            priority: self.priority,
            address: self.address.clone(),
            timing,
            kept_terms: self.kept_terms,
            on_become_leader: self.on_become_leader.clone(),
            on_become_follower: self.on_become_follower.clone(),
        })
    }
}

fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let wrong = if name.is_empty() {
        "must not be empty".to_owned()
    } else if name.len() > LONGEST_NAME {
        format!("must be at most {LONGEST_NAME} bytes, and has {}", name.len())
    } else if name.chars().any(char::is_control) {
        "must not contain control characters".to_owned()
    } else if name.trim() != name {
        format!("must not begin or end with white space: {name:?}")
    } else {
        return Ok(());
    };
    Err(Error::InvalidConfig(format!("{what} {wrong}")))
}

/// What the loops get: an [`ElectorConfig`] that has passed its checks.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub election: String,
    pub node_id: String,
    pub priority: i32,
    pub address: Option<String>,
    pub timing: Timing,
    pub kept_terms: u32,
    pub on_become_leader: Option<Hook>,
    pub on_become_follower: Option<Hook>,
}

type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What to run at a change of role: an asynchronous function of the change.
///
/// ```
/// use leader_election::{ElectorConfig, Hook};
///
/// let mut config = ElectorConfig::new("node-1");
/// config.on_become_leader = Some(Hook::new(|change| async move {
///     println!("leading term {}", change.term);
/// }));
/// ```
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn(RoleChange) -> HookFuture + Send + Sync>);

impl Hook {
    /// Wraps an asynchronous function.
    pub fn new<F, Fut>(hook: F) -> Self
    where
        F: Fn(RoleChange) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |change| Box::pin(hook(change))))
    }

    pub(crate) fn call(&self, change: RoleChange) -> HookFuture {
        self.0(change)
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_settings_are_refused_in_one_line_that_names_them() {
        type Change = fn(&mut ElectorConfig);
        let rows: [(Change, &str); 7] = [
            (|c| c.node_id.clear(), "node id must not be empty"),
            (|c| c.node_id = "x".repeat(256), "node id must be at most 255 bytes, and has 256"),
            (|c| c.node_id = "a\nb".into(), "node id must not contain control characters"),
            (|c| c.node_id = " a".into(), "node id must not begin or end with white space"),
            (|c| c.election.clear(), "election must not be empty"),
            (|c| c.kept_terms = 0, "kept_terms 0 must be at least 1"),
            (|c| c.election_timeout = Duration::from_secs(14), "election_timeout 14s must be at least 3 x"),
        ];
        for (change, says) in rows {
            let mut config = ElectorConfig::new("node-1");
            change(&mut config);
            let message = config.check().unwrap_err().to_string();
            assert!(message.starts_with(says), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
        ElectorConfig::new("node-1").check().unwrap();
    }
}
