//! Why a connection string is refused.

use std::borrow::Cow;
use std::fmt;

pub(crate) const FORMS: &str = "write postgres://user:password@host:5432/database, \
                                host=... user=... password=... dbname=..., or sqlite:path";

/// Why a connection string is refused. No message contains a password, or any value that may hold one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// It is empty.
    #[error("it is empty: {FORMS}")]
    Empty,

    /// It is a URL with another scheme.
    #[error("`{scheme}://` is not supported: {FORMS}")]
    UnknownScheme {
        /// The text before `://`: letters, digits, `+`, `-` and `.`.
        scheme: String,
    },

    /// It has none of the forms.
    #[error("this is neither a URL nor a list of `keyword=value`: {FORMS}")]
    UnknownForm,

    /// It breaks the grammar of its form.
    #[error("{0}")]
    Malformed(Cow<'static, str>),

    /// A name that is not a keyword, but looks like a misspelt one.
    #[error("unknown keyword `{name}`: did you mean `{meant}`?")]
    Misspelt {
        /// The name as written.
        name: String,
        /// The keyword that was probably meant.
        meant: &'static str,
    },

    /// A parameter in a URL that is not a keyword.
    #[error("unknown parameter `{name}` (run-time parameters go into `options=-c name=value`)")]
    UnknownParameter {
        /// The name as written.
        name: String,
    },

    /// A known setting that is not supported.
    #[error("{} cannot be honoured: {why}", .setting.with_value(.value.as_deref()))]
    Refused {
        /// The setting.
        setting: Setting,
        /// Its value, if no value of this setting can be secret.
        value: Option<String>,
        /// Why it is not supported, and what to do instead.
        why: Cow<'static, str>,
    },

    /// A setting with an invalid value.
    #[error("{setting} {why}")]
    Invalid {
        /// The setting.
        setting: Setting,
        /// What is wrong with the value.
        why: Cow<'static, str>,
    },

    /// Settings that contradict each other.
    #[error("{0}")]
    Contradiction(&'static str),
}

impl ParseError {
    pub(crate) fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(message.into())
    }
}

/// A setting as a message names it: by its keyword, or by the environment variable that it came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// libpq's keyword.
    pub keyword: &'static str,
    /// The variable that the value came from. `None` if the value came from the connection string, or if there is none.
    pub variable: Option<&'static str>,
}

impl Setting {
    /// The setting and its value, for a message. A variable's value is not repeated.
    pub fn with_value(self, value: Option<&str>) -> String {
        match value {
            Some(value) if self.variable.is_none() => format!("{self} with the value `{value}`"),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable {
            Some(variable) => write!(f, "the environment variable `{variable}`"),
            None => write!(f, "keyword `{}`", self.keyword),
        }
    }
}
