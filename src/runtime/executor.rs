//! Carries out the requests of the rules: the store, or something else in tests and simulations.

use std::future::Future;
use std::time::Duration;

use protocol::{Reply, Request};

use crate::store::Store;

/// Carries out requests, one at a time.
pub trait Executor {
    /// Carries a request out within `limit`.
    ///
    /// # Errors
    /// The failure and its reason, as text. The request may or may not have taken effect.
    ///
    /// # Cancel safety
    /// Dropped early, the request may or may not take effect.
    fn carry_out(
        &mut self,
        request: &Request,
        limit: Duration,
    ) -> impl Future<Output = Result<Reply, String>>;

    /// Closes everything. No request follows.
    fn close(&mut self) -> impl Future<Output = ()>;
}

impl Executor for Store {
    async fn carry_out(&mut self, request: &Request, limit: Duration) -> Result<Reply, String> {
        Store::carry_out(self, request, limit).await.map_err(|error| error.to_string())
    }

    async fn close(&mut self) {
        Store::close(self).await;
    }
}
