//! The node id when none is given: the host's name, with a suffix if another node has that name.

use std::time::Duration;

use leader_election::{DatabaseUrl, Elector, ElectorConfig, Error, Lifecycle};
use rand::RngExt;

use crate::exit;

/// The host's name.
pub(crate) fn host_name() -> String {
    let name = gethostname::gethostname().to_string_lossy().trim().to_owned();
    if name.is_empty() { "node".to_owned() } else { name }
}

/// A registration takes less than this, unless the id belongs to a leader or the database is away.
const REGISTRATION_LIMIT: Duration = Duration::from_secs(2);

/// Whether a live node already has this id.
pub(crate) async fn is_taken(url: &DatabaseUrl, config: &ElectorConfig) -> Result<bool, Error> {
    let elector = Elector::connect_lazy(url, config.clone())?;
    loop {
        match elector.nodes().await {
            Ok(nodes) => return Ok(nodes.iter().any(|node| node.id == config.node_id)),
            Err(error) if error.is_transient() => {
                tracing::warn!("{}; retrying", exit::chain(&error));
                tokio::time::sleep(REGISTRATION_LIMIT).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns if this node's id belongs to the current leader. Registering under it would wait until that leader is gone.
pub(crate) async fn belongs_to_the_leader(elector: &Elector) {
    let mut status = elector.subscribe();
    while status.status().lifecycle != Lifecycle::Joined {
        let joined = async {
            while status.changed().await.is_some_and(|status| status.lifecycle != Lifecycle::Joined) {}
        };
        if tokio::time::timeout(REGISTRATION_LIMIT, joined).await.is_err()
            && let Ok(Some(leader)) = elector.leader().await
            && leader.id == elector.status().node_id
            && elector.status().lifecycle == Lifecycle::Joining
        {
            return;
        }
    }
    std::future::pending().await
}

/// The host's name and four random characters: a second node on the same host needs no `NODE_ID`.
pub(crate) fn with_suffix(host: &str) -> String {
    const CHARACTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = rand::rng();
    let suffix: String =
        (0..4).map(|_| char::from(CHARACTERS[random.random_range(0..CHARACTERS.len())])).collect();
    format!("{host}-{suffix}")
}
