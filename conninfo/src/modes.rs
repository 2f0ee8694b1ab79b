//! Settings with a fixed set of values.

use std::fmt;

/// An enum whose variants have the names that libpq gives them.
macro_rules! modes {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$what])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// libpq's word for it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The value that a word stands for.
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|mode| mode.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

modes! {
    /// `sslmode`: whether the connection is encrypted, and what of the server's certificate is checked.
    SslMode {
        /// Plain text.
        Disable = "disable",
        /// Plain text, and TLS if the server turns that away.
        Allow = "allow",
        /// TLS if the server has it, else plain text; the certificate is not checked.
        Prefer = "prefer",
        /// TLS; the certificate is not checked.
        Require = "require",
        /// TLS; the certificate has to come from a trusted authority.
        VerifyCa = "verify-ca",
        /// As `VerifyCa`, and the certificate has to be the host's.
        VerifyFull = "verify-full",
    }
}

modes! {
    /// `target_session_attrs`: which of several servers will do.
    TargetSessionAttrs {
        /// Any server.
        Any = "any",
        /// A server that accepts writes.
        ReadWrite = "read-write",
        /// A server that does not accept writes.
        ReadOnly = "read-only",
        /// A server that is not a standby.
        Primary = "primary",
        /// A standby.
        Standby = "standby",
        /// A standby if there is one, else any server.
        PreferStandby = "prefer-standby",
    }
}

modes! {
    /// `load_balance_hosts`: in which order several hosts are tried.
    LoadBalanceHosts {
        /// In the order in which they are written.
        Disable = "disable",
        /// In random order.
        Random = "random",
    }
}

modes! {
    /// `channel_binding`: whether the login is tied to the TLS connection.
    ChannelBinding {
        /// It is not.
        Disable = "disable",
        /// It is if both sides can do it.
        Prefer = "prefer",
        /// It has to be.
        Require = "require",
    }
}
