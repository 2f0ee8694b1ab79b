//! What can be done about a failure.

/// What can be done about a failure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    /// No answer in time. Retry.
    Timeout,
    /// The connection broke, or the server asks for a retry (deadlock, shutdown, too many connections).
    Transient,
    /// The database takes no writes now: a standby, or a read-only file system. Retry: the next connection may reach
    /// another server, or this one may be promoted.
    ReadOnly,
    /// The server has no database of that name. It may be created soon, so retry.
    NoDatabase,
    /// A pooler gave us a session that does not know our prepared statements, or that knows them already. The next
    /// session may be another one. Until the pooler's configuration changes it will happen again.
    PoolerWithoutPreparedStatements,
    /// Tables or columns are missing. Migrate, then retry.
    SchemaMissing,
    /// The login was refused. A person has to act.
    AccessDenied,
    /// The user may log in, but lacks a privilege. A person has to act.
    MissingPrivilege,
    /// The server refused a run-time parameter of the connection string. A person has to act.
    InvalidParameter,
    /// The server rejected the step. A retry gets the same answer.
    Permanent,
}

impl Kind {
    /// Whether a retry may help without any change to the configuration or the database.
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
