//! A machine's own clock, in true time.

use std::time::Duration;

use protocol::Time;

/// True time since the start of a run. Only the simulation knows it.
pub type Moment = Duration;

/// A clock with its own start and rate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Clock {
    offset: Duration,
    /// In millionths of true time: 1,000,000 is exact.
    rate: u64,
}

impl Clock {
    pub const fn new(offset: Duration, rate: u64) -> Self {
        Self { offset, rate }
    }

    /// What the clock shows at this moment.
    pub fn shows(&self, at: Moment) -> Time {
        let nanos = at.as_nanos() * u128::from(self.rate) / 1_000_000;
        Time::from_origin(self.offset + nanos_of(nanos))
    }

    /// The first moment at which it shows at least this.
    pub fn reaches(&self, shown: Time) -> Moment {
        let nanos = shown.since(Time::from_origin(self.offset)).as_nanos();
        nanos_of((nanos * 1_000_000).div_ceil(u128::from(self.rate)))
    }

    /// How long it takes to show this span, in true time.
    pub fn takes(&self, span: Duration) -> Duration {
        nanos_of((span.as_nanos() * 1_000_000).div_ceil(u128::from(self.rate)))
    }
}

fn nanos_of(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
