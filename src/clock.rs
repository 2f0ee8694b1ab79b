//! The local clock. It goes on while the machine is suspended, and nobody can set it.

use std::future::Future;
use std::time::Duration;

use protocol::Time;

/// A clock, and a way to wait. The loops get it as an argument, so that tests and simulations can set it.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Time;

    /// Waits for about this long. It may take longer, so read the clock afterwards.
    fn sleep(&self, span: Duration) -> impl Future<Output = ()>;
}

/// The machine's own clock and tokio's timer. While the machine is suspended the timer stops and the clock goes on.
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

/// The time now: CLOCK_BOOTTIME, on Linux and Android.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn now() -> Time {
    read(rustix::time::ClockId::Boottime)
}

/// The time now. On Apple's systems CLOCK_MONOTONIC goes on during sleep; elsewhere see the system's
/// clock_gettime(2).
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

/// The time since the first call. On Windows this clock goes on during sleep.
#[cfg(not(unix))]
pub(crate) fn now() -> Time {
    use std::sync::OnceLock;
    use std::time::Instant;

    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    Time::from_origin(ORIGIN.get_or_init(Instant::now).elapsed())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    /// How far the test puts each clock forward. Without that they read the same on a machine that was never
    /// suspended.
    const BOOTTIME: u64 = 200_000;
    const MONOTONIC: u64 = 400_000;

    /// Only a suspended machine or a time namespace makes CLOCK_BOOTTIME and CLOCK_MONOTONIC differ.
    #[test]
    fn the_clock_is_the_one_that_goes_on_during_suspend() {
        let test = std::env::current_exe().unwrap();
        let name = "clock::tests::says_the_time";
        let before = now();
        let in_namespace = |user: &[&str]| {
            Command::new("unshare")
                .args(user)
                .args(["--time", "--fork", "--boottime", &BOOTTIME.to_string()])
                .args(["--monotonic", &MONOTONIC.to_string(), "--"])
                .arg(&test)
                .args(["--ignored", "--exact", name, "--nocapture"])
                .output()
                .expect("unshare(1) of util-linux can be run")
        };
        let mut output = in_namespace(&[]);
        if !output.status.success() {
            // Without root, on systems that let users create namespaces.
            output = in_namespace(&["--user", "--map-root-user"]);
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let said = text.lines().find_map(|line| line.split("the clock says ").nth(1)).unwrap_or_else(|| {
            panic!(
                "this test needs a time namespace (Linux 5.6, and root or user namespaces): {}",
                String::from_utf8_lossy(&output.stderr)
            )
        });
        let said = Time::from_origin(Duration::from_nanos(said.trim().parse().unwrap()));
        let put_forward = said.since(before);
        let expected = Duration::from_secs(BOOTTIME);
        assert!(
            (expected..expected + Duration::from_secs(100)).contains(&put_forward),
            "put forward by {put_forward:?}, CLOCK_BOOTTIME by {expected:?}"
        );
    }

    #[test]
    #[ignore = "the other test runs it, in a time namespace"]
    fn says_the_time() {
        println!("the clock says {}", now().since_origin().as_nanos());
    }

    #[test]
    fn the_clock_never_goes_back() {
        let mut last = now();
        for _ in 0..10_000 {
            let next = now();
            assert!(next >= last);
            last = next;
        }
    }
}
