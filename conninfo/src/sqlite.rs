//! The `sqlite:` form.

use std::fmt;
use std::path::PathBuf;

use crate::encoding;
use crate::error::ParseError;

/// A SQLite database.
///
/// `Display` writes a `sqlite:` URL that parses to an equal specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sqlite {
    /// In memory: it ends with its last connection.
    Memory,
    /// In a file.
    File {
        /// The path as written. A relative path is relative to the working directory of the process that opens it.
        path: PathBuf,
        /// Whether a missing file is created.
        create: bool,
    },
}

impl Sqlite {
    /// `rest` is the text after `sqlite:`.
    pub(crate) fn parse(rest: &str) -> Result<Self, ParseError> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let path = encoding::decode(path).map_err(|_| malformed("the file's name is not UTF-8"))?;
        let mut create = true;
        let mut in_memory = path == ":memory:";
        for parameter in query.into_iter().flat_map(|query| query.split('&')).filter(|p| !p.is_empty()) {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("mode", "rwc") => create = true,
                ("mode", "rw") => create = false,
                ("mode", "memory") => in_memory = true,
                ("mode", "ro") => {
                    return Err(malformed(
                        "`mode=ro` cannot be honoured: a node has to write; use `mode=rwc`",
                    ));
                }
                ("mode", _) => return Err(malformed("`mode` is one of rwc, rw and memory")),
                // The connections of a process always share a database in memory. A file needs no shared cache.
                ("cache", "shared") if in_memory => {}
                ("cache", "private") if !in_memory => {}
                ("cache", _) => return Err(malformed("`cache` cannot be honoured: leave it out")),
                (name, _) => {
                    let message = format!("unknown parameter `{name}`: a `sqlite:` URL has only `mode`");
                    return Err(ParseError::malformed(message));
                }
            }
        }
        if in_memory {
            return Ok(Self::Memory);
        }
        if path.is_empty() {
            return Err(malformed("the file is missing: write `sqlite:./leader-election.db`"));
        }
        if path.contains('\0') {
            return Err(malformed("the file's name has a zero byte in it"));
        }
        Ok(Self::File { path: PathBuf::from(path), create })
    }

    /// Where the database is, for messages.
    pub fn location(&self) -> String {
        match self {
            Self::Memory => "sqlite :memory:".to_owned(),
            Self::File { path, .. } => format!("sqlite {}", path.display()),
        }
    }
}

impl fmt::Display for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("sqlite::memory:"),
            Self::File { path, create } => {
                let mode = if *create { "" } else { "?mode=rw" };
                write!(f, "sqlite://{}{mode}", encoding::path(&path.to_string_lossy()))
            }
        }
    }
}

fn malformed(message: &'static str) -> ParseError {
    ParseError::malformed(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_urls_name_a_file_or_memory() {
        for (input, shown, url) in [
            ("./a.db", "sqlite ./a.db", "sqlite://./a.db"),
            ("//a.db", "sqlite a.db", "sqlite://a.db"),
            ("///tmp/none/a.db?mode=rwc", "sqlite /tmp/none/a.db", "sqlite:///tmp/none/a.db"),
            ("/tmp/none/a.db?mode=rw", "sqlite /tmp/none/a.db", "sqlite:///tmp/none/a.db?mode=rw"),
            ("//my%20file%3F.db", "sqlite my file?.db", "sqlite://my%20file%3F.db"),
            ("100%.db", "sqlite 100%.db", "sqlite://100%25.db"),
            (":memory:", "sqlite :memory:", "sqlite::memory:"),
            ("//:memory:", "sqlite :memory:", "sqlite::memory:"),
            ("%3Amemory%3A", "sqlite :memory:", "sqlite::memory:"),
            ("//?mode=memory&cache=shared", "sqlite :memory:", "sqlite::memory:"),
        ] {
            let sqlite = Sqlite::parse(input).unwrap();
            assert_eq!(sqlite.location(), shown, "{input}");
            assert_eq!(sqlite.to_string(), url, "{input}");
            assert_eq!(Sqlite::parse(url.strip_prefix("sqlite:").unwrap()), Ok(sqlite), "{input}");
        }
        for (input, expected) in [
            ("", "the file is missing"),
            ("//", "the file is missing"),
            ("a.db?mode=ro", "a node has to write"),
            ("a.db?mode=x", "`mode` is one of"),
            ("a.db?cache=shared", "`cache` cannot be honoured"),
            ("a.db?immutable=1", "unknown parameter `immutable`"),
            ("a%00.db", "zero byte"),
            ("a%ff.db", "not UTF-8"),
        ] {
            let message = Sqlite::parse(input).unwrap_err().to_string();
            assert!(message.contains(expected), "{input}: {message}");
        }
    }
}
