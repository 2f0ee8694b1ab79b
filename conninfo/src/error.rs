//! What is wrong with a connection string.

use std::borrow::Cow;
use std::fmt;

pub(crate) const FORMS: &str = "write postgres://user:password@host:5432/database, \
                                host=... user=... password=... dbname=..., or sqlite:path";

/// Why a connection string is refused. No message contains a password, or any value that may hold one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseError {
    /// There is nothing in it.
    #[error("it is empty: {FORMS}")]
    Empty,

    /// It is a URL of something else.
    #[error("`{scheme}://` is not supported: {FORMS}")]
    UnknownScheme {
        /// What stands before `://`: letters, digits, `+`, `-` and `.`.
        scheme: String,
    },

    /// It has none of the forms.
    #[error("this is neither a URL nor a list of `keyword=value`: {FORMS}")]
    UnknownForm,

    /// It breaks the grammar of its form.
    #[error("{0}")]
    Malformed(Cow<'static, str>),

    /// A name that is no keyword, and looks like one.
    #[error("unknown keyword `{name}`: did you mean `{meant}`?")]
    Misspelt {
        /// As it was written.
        name: String,
        /// The keyword that was probably meant.
        meant: &'static str,
    },

    /// A URL's parameter that is no keyword.
    #[error("unknown parameter `{name}` (run-time parameters go into `options=-c name=value`)")]
    UnknownParameter {
        /// As it was written.
        name: String,
    },

    /// A setting that is known and not offered.
    #[error("{} cannot be honoured: {why}", .setting.with_value(.value.as_deref()))]
    Refused {
        /// Which one.
        setting: Setting,
        /// What it was to be, where no value of it can be secret.
        value: Option<String>,
        /// Why it is not offered, and what to do instead.
        why: Cow<'static, str>,
    },

    /// A setting whose value makes no sense.
    #[error("{setting} {why}")]
    Invalid {
        /// Which one.
        setting: Setting,
        /// What is wrong with the value.
        why: Cow<'static, str>,
    },

    /// Settings that do not go together.
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
    /// The variable that the value came from; `None` if it was in the connection string, or nowhere.
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
