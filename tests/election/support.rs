//! Shared by the tests: databases with the schema, and nodes with short durations.

use std::time::Duration;

use leader_election::{DatabaseUrl, Elector, ElectorConfig};
use testkit::eventually;

/// H, T and N of the tests: short, but long enough for two busy cores (a step is given up after H / 2).
pub const H: Duration = Duration::from_millis(800);
pub const T: Duration = Duration::from_millis(2400);
pub const N: Duration = Duration::from_millis(4800);

/// How long to wait for something that should happen soon.
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
    // Another test may have set it already.
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

/// `node-1`, which ranks higher and leads, and `node-2`, which follows it.
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
pub struct TestDatabase {
    url: String,
    _dir: testkit::TempDir,
}

impl TestDatabase {
    /// On a database that this build supports.
    pub async fn any() -> Self {
        #[cfg(feature = "sqlite")]
        return Self::sqlite().await;
        #[cfg(not(feature = "sqlite"))]
        return {
            let url = testkit::Postgres::shared().database("any").url();
            migrate(&url).await;
            Self { url, _dir: testkit::directory() }
        };
    }

    #[cfg(feature = "sqlite")]
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
