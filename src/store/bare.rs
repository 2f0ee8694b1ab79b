//! The store without the rules, for checks that compare it with a model.

use std::time::Duration;

use super::Store;
use crate::{DatabaseUrl, ElectorConfig, Error};
use protocol::{Incarnation, Reply, Request};

/// A process that carries out whatever requests it is given.
pub struct BareStore {
    store: Store,
    database: String,
}

impl BareStore {
    /// One that writes as this node and this process. It connects when it is first asked for something.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`], [`Error::InvalidDatabaseUrl`].
    pub fn new(url: &DatabaseUrl, config: &ElectorConfig, incarnation: Incarnation) -> Result<Self, Error> {
        let who = config.settings()?.identity(incarnation);
        Ok(Self { store: Store::new(url.spec("model check")?, who), database: url.to_string() })
    }

    /// Writes as another from here on. The connection stays, which is what takes time.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`].
    pub fn become_another(&mut self, config: &ElectorConfig, incarnation: Incarnation) -> Result<(), Error> {
        self.store.who = config.settings()?.identity(incarnation);
        Ok(())
    }

    /// Carries a request out.
    ///
    /// # Errors
    /// Whatever failed: the request may or may not have taken effect.
    pub async fn carry_out(&mut self, request: &Request, limit: Duration) -> Result<Reply, Error> {
        self.store.carry_out(request, limit).await.map_err(|error| Error::of_store(error, &self.database))
    }
}
