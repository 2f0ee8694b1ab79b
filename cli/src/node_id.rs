//! The id of a node that was given none.

use std::time::Duration;

use leader_election::{DatabaseUrl, Elector, ElectorConfig, Error, Lifecycle};
use rand::RngExt;

use crate::exit;

/// The host's name.
pub(crate) fn host_name() -> String {
    let name = gethostname::gethostname().to_string_lossy().trim().to_owned();
    if name.is_empty() { "node".to_owned() } else { name }
}

/// How long a registration takes at most, unless the id has to be waited for or the database is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a live node of this id is in the election already.
pub(crate) async fn is_taken(url: &DatabaseUrl, config: &ElectorConfig) -> Result<bool, Error> {
    let elector = Elector::connect_lazy(url, config.clone())?;
    loop {
        match elector.nodes().await {
            Ok(nodes) => return Ok(nodes.iter().any(|node| node.id == config.node_id)),
            Err(error) if error.is_transient() => {
                tracing::warn!("{}; trying again", exit::chain(&error));
                tokio::time::sleep(PATIENCE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns if the id this node took for free is a leader's: then it would be waited for until that leader is gone.
pub(crate) async fn waits_for_its_id(elector: &Elector) {
    let mut status = elector.subscribe();
    while status.status().lifecycle != Lifecycle::Joined {
        let joined = async {
            while status.changed().await.is_some_and(|status| status.lifecycle != Lifecycle::Joined) {}
        };
        if tokio::time::timeout(PATIENCE, joined).await.is_err()
            && let Ok(Some(leader)) = elector.leader().await
            && leader.id == elector.status().node_id
            && elector.status().lifecycle == Lifecycle::Joining
        {
            return;
        }
    }
    std::future::pending().await
}

/// The host's name and a few random characters, so that a second terminal just works.
pub(crate) fn with_suffix(host: &str) -> String {
    const CHARACTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = rand::rng();
    let suffix: String =
        (0..4).map(|_| char::from(CHARACTERS[random.random_range(0..CHARACTERS.len())])).collect();
    format!("{host}-{suffix}")
}
