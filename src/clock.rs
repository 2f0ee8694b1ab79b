//! The local clock: one that goes on while the machine is suspended, and that nobody can set.

use std::future::Future;
use std::time::Duration;

use protocol::Time;

/// A clock, and a way to wait. The loops get theirs as an argument, so that tests and simulations can set it.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Time;

    /// Waits for about this long. It may take longer: ask the clock afterwards.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()>;
}

/// The machine's own clock, and tokio's timer. The timer stands still while the machine is suspended; the clock does
/// not.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        now()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// Now, on Linux and Android by CLOCK_BOOTTIME.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn now() -> Time {
    read(rustix::time::ClockId::Boottime)
}

/// Now. On Apple's systems CLOCK_MONOTONIC goes on during sleep; elsewhere see the system's clock_gettime(2).
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn now() -> Time {
    read(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Time {
    let now = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or(0);
    Time::from_origin(Duration::new(seconds, nanoseconds))
}

/// Now, since the first call. On Windows this clock goes on during sleep.
#[cfg(not(unix))]
pub(crate) fn now() -> Time {
    use std::sync::OnceLock;
    use std::time::Instant;

    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    Time::from_origin(ORIGIN.get_or_init(Instant::now).elapsed())
}
