//! Exit codes, and errors as one line.

use std::error::Error as _;
use std::fmt;
use std::process::ExitCode;

use leader_election::{Error, ErrorKind};

/// A flag, a variable or the `.env` file is wrong.
const BAD_INPUT: u8 = 2;
/// The database cannot be reached, or refuses the login.
const UNAVAILABLE: u8 = 69;
/// A bug in this program.
const CRASHED: u8 = 70;
/// Another process registered under the node's id.
const REPLACED: u8 = 77;
/// The tables are missing, and this process may not create them.
const NO_SCHEMA: u8 = 78;
/// Anything else.
const FAILED: u8 = 1;

/// For `--help`.
pub(crate) const HELP: &str = "Exit codes:
  0    stopped by a signal, or the command succeeded
  1    any other error
  2    bad input: a flag, a variable or the .env file
  69   the database refuses the login; for `migrate`, also: it cannot be reached
  70   a bug in this program
  77   another process registered under this NODE_ID
  78   the tables are missing and AUTO_MIGRATE is false
  128+n  a second signal n came before the node had left the election";

/// A flag, a variable or the `.env` file is wrong: one line that says how.
#[derive(Debug)]
pub(crate) struct BadInput(pub(crate) String);

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadInput {}

impl From<String> for BadInput {
    fn from(line: String) -> Self {
        Self(line)
    }
}

/// Prints the error in one line. Returns the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", line(error));
    code(error)
}

/// As [`report`], but writes the line to the log, so that a JSON log stays JSON.
pub(crate) fn log(error: &anyhow::Error) -> ExitCode {
    tracing::error!("{}", line(error));
    code(error)
}

/// The error and its sources in one line.
fn line(error: &anyhow::Error) -> String {
    let chain: Vec<_> = error.chain().map(ToString::to_string).collect();
    chain.join(": ").lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn code(error: &anyhow::Error) -> ExitCode {
    let code = match error.downcast_ref::<Error>().map(Error::kind) {
        Some(ErrorKind::InvalidConfig | ErrorKind::InvalidDatabaseUrl) => BAD_INPUT,
        Some(ErrorKind::Unreachable | ErrorKind::NoDatabase | ErrorKind::AccessDenied) => UNAVAILABLE,
        Some(ErrorKind::Replaced) => REPLACED,
        Some(ErrorKind::SchemaMissing) => NO_SCHEMA,
        Some(ErrorKind::Crashed) => CRASHED,
        _ if error.is::<BadInput>() => BAD_INPUT,
        _ => FAILED,
    };
    ExitCode::from(code)
}

/// An error and its source, for a log line.
pub(crate) fn chain(error: &Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
