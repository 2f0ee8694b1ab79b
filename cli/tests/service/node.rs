//! How a test runs nodes and reads their database.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use leader_election::DatabaseUrl;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement};
use testkit::{Process, Signal, TempDir};

/// How long a test waits for anything. What has to be fast is measured.
pub const TIMEOUT: Duration = Duration::from_secs(20);

/// The heartbeat interval, election timeout and node timeout of these tests.
pub const TIMING: [(&str, &str); 3] =
    [("HEARTBEAT_INTERVAL", "600ms"), ("ELECTION_TIMEOUT", "2s"), ("NODE_TIMEOUT", "4s")];

/// The election timeout of [`TIMING`].
pub const ELECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// A directory, the variables of the processes started in it, and the database that these variables name.
pub struct Fixture {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

impl Fixture {
    /// An empty directory, without any variable.
    pub fn empty() -> Self {
        Self { dir: testkit::directory(), variables: Vec::new() }
    }

    /// With short timing, on this database.
    pub fn on(url: &str) -> Self {
        Self::fast().with("DATABASE_URL", url)
    }

    /// With the default timing, on this database: no heartbeat is late, even on a busy machine.
    pub fn slow_on(url: &str) -> Self {
        Self::empty().with("DATABASE_URL", url)
    }

    /// With short timing, on the default SQLite file.
    pub fn fast() -> Self {
        TIMING.into_iter().fold(Self::empty(), |fixture, (name, value)| fixture.with(name, value))
    }

    pub fn with(self, name: &str, value: &str) -> Self {
        let mut fixture = self.without(name);
        fixture.variables.push((name.to_owned(), value.to_owned()));
        fixture
    }

    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The database: `DATABASE_URL`, or the default file.
    pub fn url(&self) -> String {
        let named = self.variables.iter().find(|(name, _)| name == "DATABASE_URL");
        let file = || format!("sqlite:{}?mode=rw", self.path().join("leader-election.db").display());
        named.map_or_else(file, |(_, url)| url.clone())
    }

    /// The program, without this process's environment.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leader-election"));
        command.args(arguments).current_dir(self.path()).env_clear().env("HOME", self.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the program.
    pub fn start(&self, arguments: &[&str]) -> Process {
        Process::spawn_command(self.command(arguments))
    }

    /// Starts a node.
    pub fn node(&self, id: &str, priority: i32) -> Process {
        self.start(&["run", "--node-id", id, "--priority", &priority.to_string()])
    }

    /// Runs the program to its end: its exit code and everything it wrote.
    pub async fn run(&self, arguments: &[&str]) -> (i32, String) {
        let process = self.start(arguments);
        let code = process.wait_exit(TIMEOUT).await;
        (code, process.output())
    }

    /// Rows of one text column.
    pub async fn query(&self, sql: &str) -> Vec<String> {
        let url: DatabaseUrl = self.url().parse().unwrap();
        let db = url.connect().await.unwrap();
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let rows = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        db.close().await.unwrap();
        rows
    }

    /// The ids of the nodes.
    pub async fn ids(&self) -> Vec<String> {
        self.query("SELECT id FROM node_records ORDER BY id").await
    }

    /// The terms: number, leader, and how each ended.
    pub async fn terms(&self) -> Vec<String> {
        self.query(
            "SELECT CAST(term AS text) || ' ' || leader_id || ' ' || COALESCE(CAST(end_reason AS text), 'open') \
             FROM election_terms ORDER BY term",
        )
        .await
    }
}

/// Waits until the node logs that it leads this term.
pub async fn leads(node: &Process, term: i64) -> String {
    node.wait_for_line(&format!("leads (term {term})"), TIMEOUT).await
}

/// Waits until the node logs that it follows this leader.
pub async fn follows(node: &Process, leader: &str, term: i64) -> String {
    node.wait_for_line(&format!("follows {leader} (term {term})"), TIMEOUT).await
}

/// Stops a node gracefully.
pub async fn stop(node: &Process) {
    node.signal(Signal::TERM);
    assert_eq!(node.wait_exit(TIMEOUT).await, 0, "{}", node.output());
}

/// The id a node chose, from its first line.
pub async fn id_of(node: &Process) -> String {
    let line = node.wait_for_line(": node ", TIMEOUT).await;
    let (_, rest) = line.split_once(": node ").unwrap();
    rest.split(',').next().unwrap().to_owned()
}
