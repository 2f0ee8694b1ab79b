//! The `sqlite:` form.

use std::{fmt, path::Path};

use sea_orm::sqlx::{
    ConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::store::backend::sqlite::BUSY_TIMEOUT;

/// The file `cargo run` makes on a machine without a database.
const DEFAULT_FILE: &str = "./leader-election.db";

#[derive(Clone)]
pub(super) struct Sqlite {
    pub(super) options: SqliteConnectOptions,
    pub(super) in_memory: bool,
}

impl Sqlite {
    pub(super) fn default_file() -> Self {
        Self::file(DEFAULT_FILE, true)
    }

    /// `rest` is what follows `sqlite:`.
    pub(super) fn parse(rest: &str) -> Result<Self, String> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let mut create = true;
        let mut in_memory = path == ":memory:";
        for parameter in query.into_iter().flat_map(|query| query.split('&')).filter(|p| !p.is_empty()) {
            match parameter.split_once('=').unwrap_or((parameter, "")) {
                ("mode", "rwc") => create = true,
                ("mode", "rw") => create = false,
                ("mode", "memory") => in_memory = true,
                ("mode", "ro") => {
                    return Err(
                        "`mode=ro` cannot be honoured: a node has to write; use `mode=rwc`".to_owned()
                    );
                }
                ("mode", _) => return Err("`mode` is one of rwc, rw and memory".to_owned()),
                // In memory it is shared among the process's connections; a file has no use for it.
                ("cache", "shared") if in_memory => {}
                ("cache", "private") if !in_memory => {}
                ("cache", _) => {
                    return Err("`cache` cannot be honoured: leave it out".to_owned());
                }
                (name, _) => {
                    return Err(format!("unknown parameter `{name}`: a `sqlite:` URL has only `mode`"));
                }
            }
        }
        if in_memory {
            // The driver gives every `:memory:` that it parses a name of its own: what is cloned from here
            // shares one database, what is parsed again does not.
            let options: SqliteConnectOptions =
                "sqlite::memory:".parse().map_err(|_| "this build cannot do without a file".to_owned())?;
            return Ok(Self { options: finished(options), in_memory: true });
        }
        if path.is_empty() {
            return Err("the file is missing: write `sqlite:./leader-election.db`".to_owned());
        }
        let path = decode(path)?;
        if Path::new(&path).is_dir() {
            return Err(format!("{path} is a directory: name a file"));
        }
        Ok(Self::file(&path, create))
    }

    fn file(path: &str, create: bool) -> Self {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(create);
        // FULL: NORMAL may lose the last commits with the machine's power, and a claim that was lost would
        // let its term come back.
        let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        Self { options: finished(options), in_memory: false }
    }
}

impl fmt::Display for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_memory {
            write!(f, "sqlite :memory:")
        } else {
            write!(f, "sqlite {}", self.options.get_filename().display())
        }
    }
}

fn finished(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.busy_timeout(BUSY_TIMEOUT).disable_statement_logging()
}

/// Percent-decoding, so that a `?` can be part of a name. What is no escape stays as it is.
fn decode(path: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let escape = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    let path = String::from_utf8(bytes).map_err(|_| "the file's name is not UTF-8".to_owned())?;
    if path.contains('\0') {
        return Err("the file's name has a zero byte in it".to_owned());
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_urls_name_a_file_or_memory() {
        for (input, shown) in [
            ("./a.db", "sqlite ./a.db"),
            ("//a.db", "sqlite a.db"),
            ("///tmp/none/a.db?mode=rwc", "sqlite /tmp/none/a.db"),
            ("/tmp/none/a.db?mode=rw", "sqlite /tmp/none/a.db"),
            ("//my%20file%3F.db", "sqlite my file?.db"),
            ("100%.db", "sqlite 100%.db"),
            (":memory:", "sqlite :memory:"),
            ("//:memory:", "sqlite :memory:"),
            ("//?mode=memory&cache=shared", "sqlite :memory:"),
        ] {
            assert_eq!(Sqlite::parse(input).unwrap().to_string(), shown, "{input}");
        }
        for (input, expected) in [
            ("", "the file is missing"),
            ("//", "the file is missing"),
            ("a.db?mode=ro", "a node has to write"),
            ("a.db?mode=x", "`mode` is one of"),
            ("a.db?cache=shared", "`cache` cannot be honoured"),
            ("a.db?immutable=1", "unknown parameter `immutable`"),
            ("/tmp", "is a directory"),
            ("a%00.db", "zero byte"),
        ] {
            let said = Sqlite::parse(input).err().unwrap();
            assert!(said.contains(expected), "{input}: {said}");
        }
    }
}
