//! What the tests share: databases with the schema, nodes with short times, and processes that testify.

use std::path::PathBuf;
use std::time::Duration;

use leader_election::{DatabaseUrl, Elector, ElectorConfig};
use testkit::{Process, eventually};

/// H, T and N of the tests: short, but long enough for two busy cores (a step is given up after H / 2).
pub const H: Duration = Duration::from_millis(800);
pub const T: Duration = Duration::from_millis(2400);
pub const N: Duration = Duration::from_millis(4800);
/// The same for witnesses.
pub const TIMES: [&str; 3] = ["800", "2400", "4800"];

/// How long to wait for what should happen soon.
pub const SOON: Duration = Duration::from_secs(40);

pub fn config(id: &str, priority: i32) -> ElectorConfig {
    let mut config = ElectorConfig::new(id);
    config.priority = priority;
    config.heartbeat_interval = H;
    config.election_timeout = T;
    config.node_timeout = N;
    config
}

/// Makes the schema in this database. With RUST_LOG set, the nodes' log is shown.
pub async fn migrate(url: &str) {
    // Set by whichever test comes first.
    drop(
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init(),
    );
    let url: DatabaseUrl = url.parse().unwrap();
    migration::migrate(&url.connect().await.unwrap()).await.unwrap();
}

pub async fn start_with(url: &str, config: ElectorConfig) -> Elector {
    let elector = Elector::connect(url, config).await.unwrap();
    elector.start().unwrap();
    elector
}

pub async fn start(url: &str, id: &str, priority: i32) -> Elector {
    start_with(url, config(id, priority)).await
}

/// `node-1`, which leads and ranks higher, and `node-2`, which follows it.
pub async fn leader_and_follower(url: &str) -> (Elector, Elector) {
    let one = start(url, "node-1", 1).await;
    leads(&one).await;
    let two = start(url, "node-2", 0).await;
    follows(&two, "node-1").await;
    (one, two)
}

pub async fn leads(elector: &Elector) {
    let id = elector.status().node_id;
    eventually(&format!("{id} leads"), SOON, async || elector.is_leader()).await;
}

pub async fn follows(elector: &Elector, leader: &str) {
    let id = elector.status().node_id;
    eventually(&format!("{id} follows {leader}"), SOON, async || {
        !elector.is_leader() && elector.status().leader.as_deref() == Some(leader)
    })
    .await;
}

/// A database for a test: PostgreSQL's or a SQLite file.
pub struct Home {
    url: String,
    _dir: testkit::TempDir,
}

impl Home {
    pub async fn sqlite() -> Self {
        let dir = testkit::directory();
        let url = format!("sqlite:{}", dir.path().join("election.db").display());
        migrate(&url).await;
        Self { url, _dir: dir }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// A node in a process of its own, that says whenever its own answer to "do you lead?" changes.
pub struct Witness(pub Process);

/// From when to when a process answered "I lead" without a "no" between, on the machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct Reign {
    pub term: i64,
    pub from: Duration,
    pub to: Duration,
}

impl Witness {
    pub fn spawn(url: &str, id: &str, priority: i32, times: [&str; 3]) -> Self {
        let test = std::env::current_exe().unwrap();
        let program: PathBuf = test.parent().unwrap().parent().unwrap().join("examples/witness");
        assert!(
            program.exists(),
            "{} is missing: cargo build --all-features --example witness",
            program.display()
        );
        let priority = priority.to_string();
        let [heartbeat, election, node] = times;
        let environment = [
            ("DATABASE_URL", url),
            ("NODE_ID", id),
            ("NODE_PRIORITY", &priority),
            ("HEARTBEAT_MS", heartbeat),
            ("ELECTION_MS", election),
            ("NODE_MS", node),
        ];
        Self(Process::spawn(program, Vec::<String>::new(), environment))
    }

    pub async fn leads(&self) {
        self.0.wait_for_line("leads", SOON).await;
    }

    /// All its reigns, from what it printed: `leads TERM FROM_NS` and `led TERM FROM_NS TO_NS`. A reign that goes on
    /// has no end yet and is left out.
    pub fn reigns(&self) -> Vec<Reign> {
        let nanoseconds = |text: &str| Duration::from_nanos(text.parse().unwrap());
        let lines = self.0.lines();
        let ended = lines.iter().filter_map(|line| line.strip_prefix("led "));
        ended
            .map(|line| {
                let words: Vec<_> = line.split(' ').collect();
                Reign {
                    term: words[0].parse().unwrap(),
                    from: nanoseconds(words[1]),
                    to: nanoseconds(words[2]),
                }
            })
            .collect()
    }
}

/// Fails if two of these reigns overlap, or if two of different processes share a term.
pub fn assert_one_leader_at_a_time(reigns: &[Vec<Reign>]) {
    let all: Vec<_> =
        reigns.iter().enumerate().flat_map(|(who, list)| list.iter().map(move |r| (who, r))).collect();
    for (index, (who, one)) in all.iter().enumerate() {
        for (other, two) in &all[index + 1..] {
            if who == other {
                continue;
            }
            assert!(
                one.to < two.from || two.to < one.from,
                "two leaders: {one:?} of {who} and {two:?} of {other}"
            );
            assert_ne!(one.term, two.term, "{one:?} of {who} and {two:?} of {other} share a term");
        }
    }
}
