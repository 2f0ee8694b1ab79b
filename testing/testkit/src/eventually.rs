//! Waiting for a condition instead of for a time.

use std::panic::Location;
use std::time::{Duration, Instant};

/// Waits until `condition` is true. Checks it every few milliseconds.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let start = std::time::Instant::now();
/// testkit::eventually("50 ms to pass", std::time::Duration::from_secs(5), async || {
///     start.elapsed().as_millis() >= 50
/// })
/// .await;
/// # });
/// ```
///
/// # Panics
/// The condition was not true within `timeout`. The message says what was awaited, for how long, and where. A check
/// that hangs is abandoned at the same time.
#[track_caller]
pub fn eventually<C>(what: &str, timeout: Duration, mut condition: C) -> impl Future<Output = ()>
where
    C: AsyncFnMut() -> bool,
{
    let caller = Location::caller();
    async move {
        let start = Instant::now();
        let mut checks = 0_u32;
        let became_true = tokio::time::timeout(timeout, async {
            while !condition().await {
                checks += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert!(
            became_true.await.is_ok(),
            "waited {:?} in vain for {what} (checked {checks} times, at {caller})",
            start.elapsed()
        );
    }
}
