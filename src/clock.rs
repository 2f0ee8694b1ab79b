//! The local clock: one that goes on while the machine is suspended, and that nobody can set.

use protocol::Time;

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
    Time::from_origin(std::time::Duration::new(seconds, nanoseconds))
}

/// Now, since the first call. On Windows this clock goes on during sleep.
#[cfg(not(unix))]
pub(crate) fn now() -> Time {
    use std::sync::OnceLock;
    use std::time::Instant;

    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    Time::from_origin(ORIGIN.get_or_init(Instant::now).elapsed())
}
