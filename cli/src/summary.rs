//! The first log lines of a node: its id, its database, its timing, and how to try a failover.

use leader_election::{Backend, DatabaseUrl, ElectorConfig};
use tracing::info;

pub(crate) fn print(config: &ElectorConfig, url: &DatabaseUrl, by_default: bool) {
    let ElectorConfig { node_id, election, priority, .. } = config;
    info!(
        %election, %node_id, priority,
        "leader-election {}: node {node_id}, election {election}, priority {priority}",
        env!("CARGO_PKG_VERSION")
    );
    if by_default {
        info!(
            "database: {url} (DATABASE_URL is not set): serves one machine only; \
             for more, set it to a PostgreSQL database"
        );
    } else if url.backend() == Backend::Sqlite {
        info!("database: {url}: serves one machine only");
    } else {
        info!("database: {url}");
    }
    info!(
        "timing: a heartbeat every {:?}; a stopped leader is replaced at once, a crashed one within {:?}",
        config.heartbeat_interval, config.election_timeout
    );
    let pid = std::process::id();
    // Process 1 runs in a container: there is no second terminal, and `kill` from outside needs another id.
    if pid != 1 {
        info!(
            "try: start a second node in another terminal, then stop this one with Ctrl-C or kill -9 {pid}"
        );
    }
}
