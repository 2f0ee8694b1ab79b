//! The store without the rules, for checks that compare it with a model.

use std::time::Duration;

use protocol::Reply;
use protocol::Request;

use crate::database_url::DatabaseUrl;
use crate::error::Error;
use crate::store::NodeIdentity;
use crate::store::Store;

/// A process that carries out any request it is given.
pub struct RawStore {
    store: Store,
    database: String,
}

impl RawStore {
    /// A store that writes as this node and process. It connects at the first request.
    ///
    /// # Errors
    /// [`Error::InvalidDatabaseUrl`].
    pub fn new(url: &DatabaseUrl, node: NodeIdentity) -> Result<Self, Error> {
        Ok(Self { store: Store::new(url.spec("model check")?, node), database: url.to_string() })
    }

    /// Writes as another node or process from now on. It keeps the connection, because making one is slow.
    pub fn write_as(&mut self, node: NodeIdentity) {
        self.store.write_as(node);
    }

    /// Carries a request out within `limit`.
    ///
    /// # Errors
    /// The request failed. It may or may not have taken effect.
    pub async fn perform(&mut self, request: &Request, limit: Duration) -> Result<Reply, Error> {
        self.store.carry_out(request, limit).await.map_err(|error| Error::of_store(error, &self.database))
    }
}
