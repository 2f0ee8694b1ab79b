//! SIGINT, SIGTERM and SIGHUP: the first stops the node gracefully, a second ends the process at once.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that follow the first within this time count as the same one: timeout(1) and some supervisors signal both
/// the process and its group.
const DEBOUNCE: Duration = Duration::from_millis(300);

pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Installs the handlers. From now on these signals do not end the process by themselves.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for a second signal, and ignores those within [`DEBOUNCE`]. Returns its number.
    pub(crate) async fn again(&mut self) -> u8 {
        let debounce = tokio::time::sleep(DEBOUNCE);
        tokio::pin!(debounce);
        loop {
            tokio::select! {
                biased;
                (_, number) = self.next() => if debounce.is_elapsed() { return number },
                () = &mut debounce, if !debounce.is_elapsed() => {}
            }
        }
    }

    /// Waits for the next signal. Returns its name and number.
    pub(crate) async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 2),
            _ = self.terminate.recv() => ("SIGTERM", 15),
            _ = self.hang_up.recv() => ("SIGHUP", 1),
        }
    }
}
