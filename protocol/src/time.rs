//! A point on this machine's own clock.

use std::ops::Add;
use std::time::Duration;

/// A point on the local clock, counted from that clock's origin (on Linux: the boot).
///
/// The rules get it as an argument and never read a clock. The clock goes on while the machine is suspended. It is
/// never compared with another machine's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time(Duration);

impl Time {
    /// The point this long after the clock's origin.
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after the clock's origin this point is.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// How long after `earlier` this point is; zero when it is not after it.
    pub const fn since(self, earlier: Time) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(span))
    }
}
