//! One setting of a connection string.

/// A keyword, or a parameter of a URL, and its value, decoded.
pub(crate) struct Pair {
    pub(crate) keyword: String,
    pub(crate) value: String,
}
