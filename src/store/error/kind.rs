//! What can be done about a failure.

/// What can be done about a failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    /// No answer in time. Try again.
    Timeout,
    /// The connection broke, or the server asks to try again (deadlock, shutdown, too many connections).
    Transient,
    /// The database takes no writes now: a standby, or a file system that is read-only. Try again: another server may
    /// be asked next, or this one may be promoted.
    ReadOnly,
    /// The server has no database of that name. Somebody may be about to create it: try again.
    NoDatabase,
    /// A pooler gave us a session that does not know our prepared statements, or that knows them already. The next
    /// session may be another; until somebody sees to the pooler it will happen again.
    PoolerWithoutPreparedStatements,
    /// Tables or columns are missing. Migrate, then try again.
    SchemaMissing,
    /// The login was refused. A person has to do something.
    AccessDenied,
    /// The user may log in, and may not do this. A person has to do something.
    MissingPrivilege,
    /// The server refused a run-time parameter of the connection string. A person has to do something.
    InvalidParameter,
    /// The server turned the step down, and will again.
    Permanent,
}

impl Kind {
    /// Whether trying again may help with nobody doing anything about it.
    #[cfg(any(feature = "sqlite", test))]
    pub(crate) fn is_transient(self) -> bool {
        match self {
            Self::Timeout
            | Self::Transient
            | Self::ReadOnly
            | Self::NoDatabase
            | Self::PoolerWithoutPreparedStatements => true,
            Self::SchemaMissing
            | Self::AccessDenied
            | Self::MissingPrivilege
            | Self::InvalidParameter
            | Self::Permanent => false,
        }
    }
}
