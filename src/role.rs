//! A node's role in its election, and the stage of an elector's life.

use std::fmt;
use std::str::FromStr;

/// A node's role in its election. There are no other roles. They are ordered by how close they are to leading.
///
/// ```
/// use leader_election::Role;
///
/// assert_eq!("leader".parse(), Ok(Role::Leader));
/// assert!(Role::Leader > Role::Follower);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Role {
    /// Another node leads, or this one does not take part yet or any more.
    Follower,
    /// The node sees no leader. It campaigns, or waits for a better node to do so.
    Candidate,
    /// The node leads.
    Leader,
}

impl Role {
    const ALL: [Self; 3] = [Self::Follower, Self::Candidate, Self::Leader];

    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Candidate => "candidate",
            Self::Follower => "follower",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        find(&Self::ALL, Self::name, name)
    }
}

/// The stages of an elector's life, in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Lifecycle {
    /// Created, not started.
    Idle,
    /// Started. The node's row is not in the database, as far as the elector knows.
    Joining,
    /// Taking part.
    Joined,
    /// Ended, by [`stop`](crate::Elector::stop) or otherwise.
    Ended,
}

impl Lifecycle {
    const ALL: [Self; 4] = [Self::Idle, Self::Joining, Self::Joined, Self::Ended];

    /// The name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Joining => "joining",
            Self::Joined => "joined",
            Self::Ended => "ended",
        }
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Lifecycle {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        find(&Self::ALL, Self::name, name)
    }
}

/// A text that is not the name of a [`Role`] or a [`Lifecycle`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown name {0:?}")]
pub struct UnknownName(String);

fn find<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, wanted: &str) -> Result<T, UnknownName> {
    all.iter().copied().find(|one| name(*one) == wanted).ok_or_else(|| UnknownName(wanted.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_as_they_are_written() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
        }
        for lifecycle in Lifecycle::ALL {
            assert_eq!(lifecycle.to_string().parse(), Ok(lifecycle));
        }
        assert_eq!("Leader".parse::<Role>().unwrap_err().to_string(), "unknown name \"Leader\"");
        assert_eq!(format!("{:>9}|", Role::Leader), "   leader|");
    }
}
