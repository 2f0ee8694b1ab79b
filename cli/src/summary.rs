//! What one reads first: who, where, how fast, and what to try.

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
             for more, set it to a PostgreSQL"
        );
    } else if url.backend() == Backend::Sqlite {
        info!("database: {url}, which serves one machine only");
    } else {
        info!("database: {url}");
    }
    info!(
        "times: a heartbeat every {:?}; a leader that is stopped is replaced at once, one that crashes within {:?}",
        config.heartbeat_interval, config.election_timeout
    );
    let pid = std::process::id();
    // In a container there is no second terminal, and 1 is nobody else's number for this process.
    if pid != 1 {
        info!(
            "try: start another node in a second terminal, then end this one with Ctrl-C, or with kill -9 {pid}"
        );
    }
}
