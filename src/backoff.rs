//! How long to wait before trying again.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Waits that double up to a bound. Each is a random part of the current ceiling ("full jitter", M. Brooker,
/// *Exponential Backoff and Jitter*, 2015), so that nodes that failed together do not retry together.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    ceiling: Duration,
}

impl Backoff {
    /// The first wait is at most `first`; no wait is longer than `max`.
    pub(crate) fn new(first: Duration, max: Duration) -> Self {
        let first = first.min(max);
        Self { first, max, ceiling: first }
    }

    /// The next wait: at most the ceiling, which then doubles, and at least half of the first ceiling, so that the
    /// database is not hammered.
    pub(crate) fn next(&mut self, random: &mut impl Rng) -> Duration {
        let wait = random.random_range(self.first / 2..=self.ceiling);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.max);
        wait
    }

    #[cfg(any(feature = "postgres", test))]
    /// The attempt succeeded: the next wait is a first one again.
    pub(crate) fn reset(&mut self) {
        self.ceiling = self.first;
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn waits_double_up_to_the_bound_and_start_over_after_a_reset() {
        let ms = Duration::from_millis;
        for seed in 0..200 {
            let random = &mut StdRng::seed_from_u64(seed);
            let mut backoff = Backoff::new(ms(100), ms(1000));
            for ceiling in [100, 200, 400, 800, 1000, 1000] {
                let wait = backoff.next(random);
                assert!((ms(50)..=ms(ceiling)).contains(&wait), "{wait:?} of {ceiling}");
            }
            backoff.reset();
            assert!(backoff.next(random) <= ms(100));
        }
        assert!(Backoff::new(ms(100), ms(10)).next(&mut StdRng::seed_from_u64(1)) <= ms(10));
    }
}
