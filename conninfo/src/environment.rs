//! The environment that completes a connection string.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;

/// The settings that complete a connection string: libpq's variables, the home directory and the user.
///
/// It is an argument, so that the same text and the same environment give the same specification everywhere. A program
/// fills it from its own process, with the names that [`variables`](crate::variables) lists.
///
/// ```
/// use conninfo::{ConnInfo, Environment};
///
/// let environment = Environment::empty().with_variables([("PGPORT", "5433")]).with_user("app");
/// let parsed = ConnInfo::parse("postgres://db.example", &environment)?;
/// assert_eq!(parsed.location(), "postgres://app@db.example:5433/app");
/// # Ok::<(), conninfo::ParseError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
    user: Option<String>,
}

impl Environment {
    /// An empty environment.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds variables. An empty value counts as unset, as for libpq.
    pub fn with_variables<N, V>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.variables.extend(variables.filter(|(_, value)| !value.is_empty()));
        self
    }

    /// Sets the home directory, which contains the password file `.pgpass`.
    pub fn with_home(mut self, home: impl Into<PathBuf>) -> Self {
        self.home = Some(home.into());
        self
    }

    /// Sets the operating system's user name. This user logs in if the connection string names none.
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The value of a variable, never an empty one.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The home directory.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref().filter(|home| !home.as_os_str().is_empty())
    }

    /// The operating system's user name.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref().filter(|user| !user.is_empty())
    }
}

impl fmt::Debug for Environment {
    /// Without the variables' values: one of them is a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("user", &self.user)
            .finish()
    }
}
