//! The server's process and its files.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    directory,
    port::unused_port,
    postgres::{
        PASSWORD,
        binaries::Binaries,
        template::{self, Account},
    },
    watchdog::Watchdog,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the server of `$1`/data and deletes `$1`. The process is known by its arguments as well as by its
/// number (in a container not even root may look at its working directory). A stopped process takes no signal
/// but SIGKILL, and a postmaster's children end by themselves when it is gone.
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

#[derive(Debug)]
pub(crate) struct Server {
    binaries: Binaries,
    account: Account,
    port: u16,
    more_settings: Vec<String>,
    running: Mutex<Option<Child>>,
    // In this order: while the directory is deleted, the watchdog still watches.
    dir: TempDir,
    _watchdog: Watchdog,
}

impl Server {
    pub(crate) fn start(binaries: Binaries, settings: &[&str], files: &[(&str, &[u8])]) -> Self {
        let account = Account::choose();
        let dir = directory::make("testkit-postgres-", 2 << 30);
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

    pub(crate) fn start_again(&mut self) {
        assert!(self.pid().is_none(), "the server runs already");
        if let Err(log) = self.try_launch() {
            panic!("PostgreSQL does not start again:\n{log}");
        }
    }

    /// Returns the log when the server ends instead of getting ready.
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
            if start.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                return Err(self.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        *self.running() = Some(child);
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
                // What is committed survives the server's crash, if not the machine's.
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

    /// By the file that `pg_ctl --wait` looks at: process id in line 1, state in line 8.
    fn is_ready(&self, pid: u32) -> bool {
        let Ok(text) = fs::read_to_string(self.data_dir().join("postmaster.pid")) else { return false };
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.first() == Some(&pid.to_string().as_str()) && lines.get(7) == Some(&"ready")
    }

    pub(crate) fn stop(&self, signal: Signal) {
        let Some(mut child) = self.running().take() else { return };
        signal_family(&child, Signal::CONT);
        let _ = kill_process(pid_of(&child), signal);
        let start = Instant::now();
        while child.try_wait().expect("a child can be waited for").is_none() {
            if start.elapsed() > PATIENCE {
                let log = self.log();
                *self.running() = Some(child);
                panic!("PostgreSQL does not stop:\n{log}");
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn freeze(&self) {
        if let Some(child) = self.running().as_ref() {
            // The postmaster first, so that it starts no more children; they are then all there are.
            let _ = kill_process(pid_of(child), Signal::STOP);
            signal_family(child, Signal::STOP);
        }
    }

    pub(crate) fn thaw(&self) {
        if let Some(child) = self.running().as_ref() {
            signal_family(child, Signal::CONT);
        }
    }

    pub(crate) fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = self
            .client("psql", database)
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

    pub(crate) fn dump_schema(&self, database: &str) -> String {
        let output = self.client("pg_dump", database).arg("--schema-only").output().expect("pg_dump starts");
        stdout_of(output).unwrap_or_else(|error| panic!("pg_dump: {error}"))
    }

    /// A client program, past TCP, by the socket.
    fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.binaries.program(program));
        command
            .env("PGHOST", self.socket_dir())
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "postgres")
            .env("PGPASSWORD", PASSWORD)
            .env("PGDATABASE", database)
            .env_remove("PGOPTIONS")
            .env_remove("PGSERVICE");
        command
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.running().as_ref().map(Child::id)
    }

    pub(crate) fn socket_dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    pub(crate) fn log(&self) -> String {
        fs::read(self.log_path()).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        // A test that panics while it holds the lock still has its server stopped.
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.running().take() else { return };
        signal_family(&child, Signal::CONT);
        let _ = kill_process(pid_of(&child), Signal::QUIT);
        let start = Instant::now();
        // The postmaster itself gives its children five seconds.
        while matches!(child.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn stdout_of(output: Output) -> Result<String, String> {
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

/// Signals the postmaster and its children. Both are ours: the postmaster is not reaped yet, and the
/// children are looked up by their parent. A frozen postmaster reaps none, so the list holds.
fn signal_family(postmaster: &Child, signal: Signal) {
    for child in children_of(postmaster.id()) {
        let _ = kill_process(child, signal);
    }
    let _ = kill_process(pid_of(postmaster), signal);
}

fn children_of(parent: u32) -> Vec<Pid> {
    let list = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_else(|_| {
        let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("`ps` starts");
        let parent = parent.to_string();
        let processes = String::from_utf8_lossy(&output.stdout).into_owned();
        let fields = processes.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        fields.filter(|fields| fields[1] == parent).map(|fields| format!("{} ", fields[0])).collect()
    });
    list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}
