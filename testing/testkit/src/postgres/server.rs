//! The server: start it, stop it, freeze it, query it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::directory;
use crate::port::unused_port;
use crate::postgres::binaries::Binaries;
use crate::postgres::client::Client;
use crate::postgres::postmaster::Postmaster;
use crate::postgres::template;
use crate::postgres::template::Account;
use crate::postgres::template::PASSWORD;
use crate::watchdog::Watchdog;

/// How long the server may take to start, or to stop.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Ends the server of `$1`/data and deletes `$1`. The process is identified by its arguments as well as by its id (in a
/// container not even root may read its working directory). A stopped process handles no signal but SIGKILL, so it is
/// resumed first. A postmaster's children end by themselves after it.
const CLEAN_UP: &str = r#"
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
runs() { [ -n "$pid" ] && [ -e "/proc/$pid" ] && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF "$1/data"; }
if runs "$1"; then
    for child in $(cat "/proc/$pid/task/$pid/children"); do kill -s CONT "$child"; done
    kill -s CONT "$pid"
    kill -s QUIT "$pid"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        runs "$1" || break
        sleep 0.3
    done
    if runs "$1"; then kill -s KILL "$pid"; fi
fi
rm -rf "$1""#;

/// A private PostgreSQL server on a free port of 127.0.0.1. When it is dropped, or when the test's process dies, the
/// server is killed and its files are deleted.
///
/// Every login needs the password (SCRAM). `fsync` is off. The default collation is linguistic if the server has ICU,
/// so that code which relies on the order of "C" fails. `pg_stat_statements` is preloaded if it is installed; a test
/// creates the extension itself.
#[derive(Debug)]
pub struct Postgres {
    binaries: Binaries,
    account: Account,
    port: u16,
    more_settings: Vec<String>,
    running: Mutex<Option<Postmaster>>,
    // Dropped in this order: the watchdog still watches while the directory is deleted.
    dir: TempDir,
    _watchdog: Watchdog,
}

/// How a server is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Ends all sessions and shuts down cleanly.
    Fast,
    /// Ends as in a crash: the next start recovers.
    Immediate,
}

impl Postgres {
    /// Starts a server.
    ///
    /// # Panics
    /// No server binaries (`testing/testkit/install-postgres.sh` installs them), or the server does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// Starts a server with additional settings (`ssl=on`) and additional files, by name, in its data directory.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with(settings: &[&str], files: &[(&str, &[u8])]) -> Self {
        let (binaries, account) = (Binaries::find(), Account::choose());
        let dir = directory::create("testkit-postgres-", 2 << 30);
        account.own(dir.path(), 0o700);
        let watchdog =
            Watchdog::new(CLEAN_UP, &[dir.path().to_str().expect("a temporary directory's path is UTF-8")]);
        template::copy_to(&dir.path().join("data"), &binaries, &account);

        for (name, content) in files {
            let path = dir.path().join("data").join(name);
            fs::write(&path, content).expect("the data directory can be written to");
            account.own(&path, 0o600);
        }

        let mut server = Self {
            binaries,
            account,
            port: 0,
            more_settings: settings.iter().map(|&setting| setting.to_owned()).collect(),
            running: Mutex::new(None),
            dir,
            _watchdog: watchdog,
        };
        for _ in 0..20 {
            server.port = unused_port();
            match server.try_launch() {
                Ok(()) => return server,
                // Another server took the port in between.
                Err(log) if log.contains("could not bind") || log.contains("could not create any TCP/IP") => {
                }
                Err(log) => panic!("PostgreSQL does not start:\n{log}"),
            }
        }
        panic!("PostgreSQL found no free port in 20 attempts:\n{}", server.log());
    }

    /// The server that all tests of this binary share. Create your own [`database`](Self::database) on it, and do not
    /// change the server. It ends with the process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Creates a database with exactly this name. Returns its URL.
    ///
    /// # Panics
    /// It exists already, or the server does not answer.
    pub fn create_database(&self, name: &str) -> String {
        self.psql(&format!("CREATE DATABASE \"{name}\""));
        self.url_of(name)
    }

    /// The URL of the database `postgres`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of a database.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!(
            "postgres://postgres:{}@127.0.0.1:{}/{database}",
            utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC),
            self.port()
        )
    }

    /// The database `postgres` as a libpq keyword/value string.
    #[must_use]
    pub fn keyword_dsn(&self) -> String {
        self.keyword_dsn_of("postgres")
    }

    /// A database as a libpq keyword/value string.
    #[must_use]
    pub fn keyword_dsn_of(&self, database: &str) -> String {
        let password = PASSWORD.replace('\\', "\\\\").replace('\'', "\\'");
        let port = self.port();
        format!(
            "host=127.0.0.1 user=postgres password='{password}' dbname={database} port={port} sslmode=disable"
        )
    }

    /// The user's password, for tests that search output for it.
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The TCP port on 127.0.0.1; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of the Unix socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        self.dir.path()
    }

    /// The postmaster's process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(Postmaster::id)
    }

    /// The directory of the server's programs (`psql`, `pg_dump`).
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        self.binaries.dir()
    }

    /// Everything the server has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path()).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// Runs SQL in the database `postgres` with psql. See [`Database::psql`](crate::Database::psql).
    ///
    /// # Panics
    /// The SQL fails.
    pub fn psql(&self, sql: &str) -> String {
        self.psql_in("postgres", sql)
    }

    /// Runs SQL in a database with psql. See [`Database::psql`](crate::Database::psql).
    ///
    /// # Panics
    /// The SQL fails.
    pub fn psql_in(&self, database: &str, sql: &str) -> String {
        self.try_psql_in(database, sql).unwrap_or_else(|error| panic!("psql: {error}\nin: {sql}"))
    }

    /// Runs SQL in a database with psql.
    ///
    /// # Errors
    /// psql's stderr.
    pub fn try_psql_in(&self, database: &str, sql: &str) -> Result<String, String> {
        self.client().psql(database, sql)
    }

    /// The schema of a database, as `pg_dump --schema-only` writes it.
    ///
    /// # Panics
    /// `pg_dump` fails.
    pub fn dump_schema(&self, database: &str) -> String {
        self.client().dump_schema(database)
    }

    /// Ends the server and waits until it has ended. A frozen server is resumed first.
    ///
    /// # Panics
    /// It does not end within 30 seconds.
    pub fn stop(&mut self, mode: StopMode) {
        let signal = match mode {
            StopMode::Fast => Signal::INT,
            StopMode::Immediate => Signal::QUIT,
        };
        let Some(mut postmaster) = self.running().take() else { return };
        if !postmaster.end(signal, TIMEOUT) {
            *self.running() = Some(postmaster);
            panic!("PostgreSQL does not stop:\n{}", self.log());
        }
    }

    /// Starts the stopped server on its data and its port.
    ///
    /// # Panics
    /// It runs already, or does not start.
    pub fn start_again(&mut self) {
        assert!(self.pid().is_none(), "the server runs already");
        if let Err(log) = self.try_launch() {
            panic!("PostgreSQL does not start again:\n{log}");
        }
    }

    /// Stops the server (fast) and starts it again.
    ///
    /// # Panics
    /// As [`stop`](Self::stop) and [`start_again`](Self::start_again).
    pub fn restart(&mut self) {
        self.stop(StopMode::Fast);
        self.start_again();
    }

    /// Stops every process of the server (SIGSTOP): connections stay open, and nothing answers.
    pub fn freeze(&self) {
        if let Some(postmaster) = self.running().as_ref() {
            postmaster.freeze();
        }
    }

    /// Resumes the frozen server.
    pub fn thaw(&self) {
        if let Some(postmaster) = self.running().as_ref() {
            postmaster.resume();
        }
    }

    /// Starts the server. Returns the log if the server ends before it is ready.
    fn try_launch(&mut self) -> Result<(), String> {
        let log = fs::File::options().create(true).append(true).open(self.log_path()).expect("the log opens");
        let mut command = self.account.command(&self.binaries.program("postgres"));
        command.arg("-D").arg(self.data_dir());
        for setting in self.settings() {
            command.arg("-c").arg(setting);
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // Ctrl-C ends the test, and the test ends the server.
            .process_group(0)
            .spawn()
            .expect("postgres starts");

        let start = Instant::now();
        while !self.is_ready(child.id()) {
            if child.try_wait().expect("a child can be waited for").is_some() {
                return Err(self.log());
            }
            if start.elapsed() > TIMEOUT {
                let _ = child.kill();
                let _ = child.wait();
                return Err(self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        *self.running() = Some(Postmaster::new(child));
        Ok(())
    }

    fn settings(&self) -> Vec<String> {
        let mut settings = vec![
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.dir.path().display()),
        ];
        settings.extend(
            [
                "listen_addresses=127.0.0.1",
                "max_connections=100",
                "shared_buffers=16MB",
                // Committed data survives a crash of the server, but not of the machine.
                "fsync=off",
                "full_page_writes=off",
                "wal_level=minimal",
                "max_wal_senders=0",
                "log_line_prefix=%m [%p] %a ",
                "timezone=UTC",
            ]
            .map(str::to_owned),
        );
        if self.binaries.has_stat_statements() {
            settings.push("shared_preload_libraries=pg_stat_statements".to_owned());
        }
        settings.extend_from_slice(&self.more_settings);
        settings
    }

    /// Reads the file that `pg_ctl --wait` reads: process id in line 1, state in line 8.
    fn is_ready(&self, pid: u32) -> bool {
        let Ok(text) = fs::read_to_string(self.data_dir().join("postmaster.pid")) else { return false };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.first() == Some(&pid.to_string().as_str()) && lines.get(7) == Some(&"ready")
    }

    fn client(&self) -> Client<'_> {
        Client { binaries: &self.binaries, socket_dir: self.dir.path(), port: self.port }
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn running(&self) -> MutexGuard<'_, Option<Postmaster>> {
        // A test that panics while it holds the lock still has its server stopped.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Some(mut postmaster) = self.running().take() else { return };
        // The postmaster waits five seconds for its children.
        if !postmaster.end(Signal::QUIT, Duration::from_secs(10)) {
            postmaster.kill();
        }
    }
}
