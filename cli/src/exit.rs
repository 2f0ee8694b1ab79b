//! Exit codes, and how an error is told: in one line.

use std::fmt;
use std::process::ExitCode;

use leader_election::Error;

/// Something the user wrote is wrong.
const BAD_INPUT: u8 = 2;
/// The database cannot be reached, or refuses the login.
const UNAVAILABLE: u8 = 69;
/// A bug in this program.
const CRASHED: u8 = 70;
/// Another process took the node's id.
const REPLACED: u8 = 77;
/// The tables are missing, and this process is not to make them.
const NO_SCHEMA: u8 = 78;
/// Anything else.
const FAILED: u8 = 1;

/// What is meant by a prepared statement that is not there, or that is already.
const POOLER: &str = "a pooler in transaction mode has to keep prepared statements: PgBouncer from 1.21 on, with \
                      max_prepared_statements; or use session mode";

/// For `--help`.
pub(crate) const HELP: &str = "Exit codes:
  0    stopped as asked
  2    bad input: a flag, a variable or the .env file
  69   the database refuses the login (one that is merely not there is waited for)
  70   a bug in this program
  77   another process registered under this NODE_ID
  78   the tables are missing and AUTO_MIGRATE is false
  128+n  a second signal n came before the first was done with";

/// What the user wrote is wrong: one line.
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

/// Prints one line, and says with which code to end.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", line(error));
    code(error)
}

/// As [`report`], into a log that machines read.
pub(crate) fn log(error: &anyhow::Error) -> ExitCode {
    tracing::error!("{}", line(error));
    code(error)
}

/// What failed and why, without what an error repeats of its cause.
fn line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            let between = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{between}{cause}");
        }
    }
    let line = line.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    // What the migrations run into first; what the node's own steps say has the hint already.
    let by_a_pooler = line.contains("prepared statement \"sqlx_s_") && !line.contains("PgBouncer");
    if by_a_pooler { format!("{line} ({POOLER})") } else { line }
}

fn code(error: &anyhow::Error) -> ExitCode {
    let code = match error.downcast_ref::<Error>() {
        Some(Error::InvalidConfig(_) | Error::InvalidDatabaseUrl(_)) => BAD_INPUT,
        Some(Error::Unreachable { .. } | Error::Refused { .. }) => UNAVAILABLE,
        Some(Error::Replaced { .. }) => REPLACED,
        Some(Error::SchemaMissing) => NO_SCHEMA,
        Some(Error::Crashed(_)) => CRASHED,
        _ if error.is::<BadInput>() => BAD_INPUT,
        _ => FAILED,
    };
    ExitCode::from(code)
}
