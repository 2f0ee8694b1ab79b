//! The client programs, which connect by the server's Unix socket and not by TCP.

use std::path::Path;
use std::process::Command;
use std::process::Output;

use crate::postgres::binaries::Binaries;
use crate::postgres::template::PASSWORD;

/// How a client program finds the server.
pub(crate) struct Client<'s> {
    pub(crate) binaries: &'s Binaries,
    pub(crate) socket_dir: &'s Path,
    pub(crate) port: u16,
}

impl Client<'_> {
    /// Runs SQL. Returns the result, or psql's stderr.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = self
            .command("psql", database)
            .args([
                "--no-psqlrc",
                "--quiet",
                "--tuples-only",
                "--no-align",
                "--set=ON_ERROR_STOP=1",
                "--command",
                sql,
            ])
            .output()
            .expect("psql starts");
        stdout_of(output)
    }

    /// The schema as text.
    pub(crate) fn dump_schema(&self, database: &str) -> String {
        let output = self.command("pg_dump", database).arg("--schema-only").output().expect("pg_dump starts");
        stdout_of(output).unwrap_or_else(|error| panic!("pg_dump: {error}"))
    }

    fn command(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command
            .env("PGHOST", self.socket_dir)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "postgres")
            .env("PGPASSWORD", PASSWORD)
            .env("PGDATABASE", database)
            .env_remove("PGOPTIONS")
            .env_remove("PGSERVICE");
        command
    }
}

fn stdout_of(output: Output) -> Result<String, String> {
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
