//! Settings with a fixed set of values.

use std::fmt;

/// Defines an enum whose variants have libpq's names.
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

            /// The value with this word.
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
    /// `sslmode`: whether the connection is encrypted, and how the server's certificate is checked.
    SslMode {
        /// Plain text.
        Disable = "disable",
        /// Plain text, or TLS if the server refuses plain text.
        Allow = "allow",
        /// TLS if the server supports it, else plain text; the certificate is not checked.
        Prefer = "prefer",
        /// TLS; the certificate is not checked.
        Require = "require",
        /// TLS; a trusted authority must have issued the certificate.
        VerifyCa = "verify-ca",
        /// As `VerifyCa`, and the certificate must name the host.
        VerifyFull = "verify-full",
    }
}

modes! {
    /// `target_session_attrs`: which of several servers is acceptable.
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
    /// `load_balance_hosts`: the order in which several hosts are tried.
    LoadBalanceHosts {
        /// In the written order.
        Disable = "disable",
        /// In random order.
        Random = "random",
    }
}

modes! {
    /// `channel_binding`: whether the login is tied to the TLS connection.
    ChannelBinding {
        /// Never.
        Disable = "disable",
        /// If both sides support it.
        Prefer = "prefer",
        /// Always.
        Require = "require",
    }
}
