//! SIGINT, SIGTERM and SIGHUP: the first asks to stop, the second ends the process now.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that come this close together are one wish: timeout(1) and some supervisors signal both the process and its
/// group.
const ONE_WISH: Duration = Duration::from_millis(300);

pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on these signals do not end the process by themselves.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one that is not the last one's echo: its number.
    pub(crate) async fn again(&mut self) -> u8 {
        let echo = tokio::time::sleep(ONE_WISH);
        tokio::pin!(echo);
        loop {
            tokio::select! {
                biased;
                (_, number) = self.next() => if echo.is_elapsed() { return number },
                () = &mut echo, if !echo.is_elapsed() => {}
            }
        }
    }

    /// Waits for the next one: its name and number.
    pub(crate) async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 2),
            _ = self.terminate.recv() => ("SIGTERM", 15),
            _ = self.hang_up.recv() => ("SIGHUP", 1),
        }
    }
}
