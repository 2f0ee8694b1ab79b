//! A connection string in pieces.

/// A keyword, or a parameter of a URL, and its value, decoded.
pub(crate) struct Pair {
    pub(crate) keyword: String,
    pub(crate) value: String,
}
