//! Finding the server's programs.

use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

/// The directory that has `postgres`, `initdb` and `psql`.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    dir: PathBuf,
}

impl Binaries {
    /// `PG_BIN` if set, else the newest of `/usr/lib/postgresql/*/bin`, else the first in `PATH` that has the programs.
    /// `install-postgres.sh` searches the same places.
    pub(crate) fn find() -> Self {
        let dir = match env::var_os("PG_BIN") {
            Some(dir) => Some(PathBuf::from(dir)).filter(|dir| has_server(dir)),
            None => newest_packaged().or_else(in_path),
        };
        let dir = dir.expect(
            "these tests need PostgreSQL's server programs (postgres, initdb, psql): searched $PG_BIN, else \
             /usr/lib/postgresql/*/bin and $PATH. `make test` or testing/testkit/install-postgres.sh installs them",
        );
        Self { dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The version, for example `postgres (PostgreSQL) 15.10 (Debian 15.10-0+deb12u1)`.
    pub(crate) fn version(&self) -> String {
        self.output("postgres", "--version")
    }

    /// Whether `initdb` supports an ICU collation as the default.
    pub(crate) fn has_icu(&self) -> bool {
        self.output("initdb", "--help").contains("--icu-locale")
    }

    /// Whether the server can load `pg_stat_statements`.
    pub(crate) fn has_stat_statements(&self) -> bool {
        let libraries = self.output("pg_config", "--pkglibdir");
        [self.dir.join("../lib"), PathBuf::from(libraries.trim())]
            .iter()
            .any(|dir| dir.join("pg_stat_statements.so").exists())
    }

    /// The program's output. Empty if the program is missing or fails.
    fn output(&self, program: &str, argument: &str) -> String {
        Command::new(self.program(program))
            .arg(argument)
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }
}

fn newest_packaged() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .flatten()
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, dir)| has_server(dir))
        .max()
        .map(|(_, dir)| dir)
}

fn in_path() -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).find(|dir| has_server(dir))
}

fn has_server(dir: &Path) -> bool {
    ["postgres", "initdb", "psql"].iter().all(|program| dir.join(program).is_file())
}
